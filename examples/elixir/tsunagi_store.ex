defmodule TsunagiStore do
  @moduledoc """
  The store of a Tsunagi node, from Elixir. The node runs `node.store()`.

      TsunagiStore.put(:"app@127.0.0.1", "hello", "world")
      {:ok, "world"} = TsunagiStore.get(:"app@127.0.0.1", "hello")
  """

  @name :tsunagi_store

  @doc "`{:ok, value}`, or `:error` when there is none."
  def get(node, key), do: request(node, {:get, key})

  @doc "The value, computed by `fun` and written when there is none. Of two at the same time the first one stands."
  def get_or_put(node, key, fun) do
    with :error <- get(node, key) do
      case request(node, {:put, key, fun.(), expected: :absent}) do
        {:error, {:ERR_VERSION, _}} -> get(node, key)
        {:ok, _version} -> get(node, key)
        error -> error
      end
    end
  end

  @doc "Options: `ttl` and `stale` (ms), `expected` (a version, or `:absent`), `durability`."
  def put(node, key, value, options \\ []), do: request(node, {:put, key, value, options})

  def delete(node, key), do: request(node, {:delete, key})

  def keys(node, prefix \\ ""), do: request(node, {:keys, prefix})

  @doc "Runs a function of the store on the node."
  def call(node, name, args), do: request(node, {:call, name, args})

  @doc """
  Sends the calling process `{:tsunagi_store, watch, event}` for what is there, `:synced`, and then for each change:
  `{:put, key, value, version}` or `{:delete, key, version}`. Monitor the watch to learn of its end.
  """
  def watch(node, key), do: request(node, {:watch, key})

  def unwatch(node, watch), do: request(node, {:unwatch, watch})

  defp request(node, request), do: GenServer.call({@name, node}, request)
end
