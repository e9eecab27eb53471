# The same display in Elixir, with Phoenix.PubSub as any Phoenix application has it.
#
#   elixir --name elixir@127.0.0.1 --cookie hello examples/temperature-sensors/display.exs
unless Code.ensure_loaded?(Phoenix.PubSub), do: Mix.install([{:phoenix_pubsub, "~> 2.1"}])

{:ok, _} = Supervisor.start_link([{Phoenix.PubSub, name: KantanCluster.PubSub}], strategy: :one_for_one)
Phoenix.PubSub.subscribe(KantanCluster.PubSub, "hello_nerves:measurements")

# The sensors find this node by themselves: they hear of it from the display.
true = Node.connect(:"display@127.0.0.1")

show = fn show ->
  receive do
    {:hello_nerves_measurements, %{temperature_c: temperature}, node} ->
      [place, _host] = node |> Atom.to_string() |> String.split("@")
      IO.puts("Elixir: #{place} #{temperature} °C")
  end

  show.(show)
end

show.(show)
