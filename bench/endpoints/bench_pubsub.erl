%% Publish and subscribe as Phoenix.PubSub does it, without Elixir: a worker of each node in a group of pg's, a table of
%% subscribed processes by topic, and no broker.
-module(bench_pubsub).
-export([command/1]).

-define(SCOPE, 'Elixir.Phoenix.PubSub').
-define(GROUP, 'Elixir.Bench.PubSub.Adapter').
-define(TOPIC, <<"sensors">>).
-define(WRAP, (1 bsl 30)).

command(["open"]) ->
    {ok, _} = pg:start(?SCOPE),
    subscribers = ets:new(subscribers, [duplicate_bag, named_table, public, {read_concurrency, true}]),
    ok = pg:join(?SCOPE, ?GROUP, spawn(fun worker/0)),
    io_lib:format("{\"address\":\"~s\"}", [node()]);
command(["join", Name]) ->
    true = net_kernel:connect_node(list_to_atom(Name)),
    "{}";
command(["ready", Peers]) ->
    ready(list_to_integer(Peers)),
    "{}";
command(["subscribe", Count]) ->
    [ets:insert(subscribers, {?TOPIC, spawn(fun() -> subscriber(0, 0, none) end)})
     || _ <- lists:seq(1, list_to_integer(Count))],
    "{}";
command(["arm", Deliveries]) ->
    All = subscribers(),
    Each = list_to_integer(Deliveries) div length(All),
    [Subscriber ! {arm, Each, self()} || Subscriber <- All],
    "{}";
command(["collect"]) ->
    Answers = [receive {done, Subscriber, Answer} -> Answer end || Subscriber <- subscribers()],
    First = lists:min([At || {_, _, At, _} <- Answers]),
    Last = lists:max([At || {_, _, _, At} <- Answers]),
    Received = lists:sum([Count || {Count, _, _, _} <- Answers]),
    Sum = lists:sum([Check || {_, Check, _, _} <- Answers]),
    io_lib:format("{\"received\":~w,\"sum\":~w,\"ms\":~w}", [Received, Sum, (Last - First) / 1.0e6]);
command(["flood", Count]) ->
    in_process(fun() -> flood(list_to_integer(Count)) end),
    "{}";
command(["pace", Count, Rate]) ->
    in_process(fun() -> pace(list_to_integer(Count), list_to_integer(Rate), erlang:monotonic_time(microsecond), 0) end),
    "{}";
command(["time"]) ->
    hd(subscribers()) ! time,
    "{}";
command(["times"]) ->
    hd(subscribers()) ! {times, self()},
    receive
        {times, Times} ->
            Sorted = list_to_tuple(lists:sort(Times)),
            io_lib:format("{\"p50\":~w,\"p99\":~w}", [percentile(Sorted, 0.5), percentile(Sorted, 0.99)])
    end.

subscribers() ->
    [Subscriber || {_, Subscriber} <- ets:lookup(subscribers, ?TOPIC)].

worker() ->
    receive
        {forward_to_local, Topic, Message, _Dispatcher} -> dispatch(Topic, Message)
    end,
    worker().

dispatch(Topic, Message) ->
    [Subscriber ! Message || {_, Subscriber} <- ets:lookup(subscribers, Topic)],
    ok.

broadcast(Topic, Message) ->
    [Worker ! {forward_to_local, Topic, Message, ?SCOPE}
     || Worker <- pg:get_members(?SCOPE, ?GROUP), node(Worker) =/= node()],
    dispatch(Topic, Message).

subscriber(Received, Sum, Times) ->
    receive
        {temperature, Value, Stamp} -> subscriber(Received + 1, Sum + Value, timed(Stamp, Times));
        {arm, Count, From} ->
            {temperature, Value, Stamp} = receive {temperature, _, _} = Message -> Message end,
            First = erlang:monotonic_time(nanosecond),
            {Check, New} = take(Count - 1, Value, timed(Stamp, Times)),
            From ! {done, self(), {Count, Check, First, erlang:monotonic_time(nanosecond)}},
            subscriber(0, 0, New);
        time -> subscriber(Received, Sum, []);
        {times, From} ->
            From ! {times, Times},
            subscriber(Received, Sum, none)
    end.

take(0, Sum, Times) -> {Sum, Times};
take(Left, Sum, Times) ->
    receive
        {temperature, Value, Stamp} -> take(Left - 1, Sum + Value, timed(Stamp, Times));
        time -> take(Left, Sum, [])
    end.

timed(_Stamp, none) -> none;
timed(Stamp, Times) -> [(microseconds() - Stamp + ?WRAP) rem ?WRAP * 1000 | Times].

flood(0) -> done;
flood(Left) ->
    broadcast(?TOPIC, {temperature, 42, 0}),
    flood(Left - 1).

%% So many a second, as a timer wakes it every millisecond.
pace(Count, _Rate, _Begin, Count) -> done;
pace(Count, Rate, Begin, Sent) ->
    receive after 1 -> ok end,
    Due = min(Count, (erlang:monotonic_time(microsecond) - Begin) * Rate div 1000000),
    [broadcast(?TOPIC, {temperature, 42, microseconds()}) || _ <- lists:seq(Sent + 1, Due)],
    pace(Count, Rate, Begin, Due).

%% What all processes of a machine have in common.
microseconds() ->
    os:perf_counter(microsecond) rem ?WRAP.

ready(Peers) ->
    case length(pg:get_members(?SCOPE, ?GROUP)) - 1 of
        Known when Known >= Peers -> ok;
        _ -> timer:sleep(10), ready(Peers)
    end.

in_process(Work) ->
    {Pid, Monitor} = spawn_monitor(Work),
    receive
        {'DOWN', Monitor, process, Pid, normal} -> ok;
        {'DOWN', Monitor, process, Pid, Reason} -> error(Reason)
    end.

percentile(Sorted, Part) ->
    element(max(1, ceil(tuple_size(Sorted) * Part)), Sorted).
