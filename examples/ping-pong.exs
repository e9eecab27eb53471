# The Elixir side of ping-pong.mjs: nothing here knows that the other node is Node.js.
#
#   elixir --name ex@127.0.0.1 --cookie hello examples/ping-pong.exs
defmodule PingPong do
  use GenServer

  def init(player), do: {:ok, player}

  def handle_call(:ping, _from, player) do
    send(player, :pinged)
    {:reply, :pong, player}
  end
end

{:ok, _} = GenServer.start_link(PingPong, self(), name: PingPong)

IO.inspect(GenServer.call({PingPong, :"ts@127.0.0.1"}, :ping), label: "Node.js says")

receive do
  :pinged -> IO.puts("Node.js pinged back")
after
  15_000 -> raise "nobody pinged back"
end

# The answer is on its way before this node goes.
GenServer.stop(PingPong)
