# The Elixir side of counter.mjs: nothing here knows that the other node is Node.js.
#
#   elixir --name ex@127.0.0.1 --cookie hello examples/counter.exs
defmodule Greeter do
  use GenServer

  def init(caller), do: {:ok, caller}

  def handle_call({:greet, name}, _from, caller) do
    send(caller, :greeted)
    {:reply, "hello, #{name}", caller}
  end
end

{:ok, _} = GenServer.start_link(Greeter, self(), name: Greeter)

counter = {:counter, :"counter@127.0.0.1"}
IO.inspect(GenServer.call(counter, {:add, 2}), label: "counter says")
IO.inspect(GenServer.call(counter, :total), label: "counter says")

receive do
  :greeted -> IO.puts("Node.js called Greeter")
after
  5_000 -> raise "nobody called Greeter"
end

# The reply is on its way before this node goes.
GenServer.stop(Greeter)
