%% An Erlang node that obeys lines on its standard input as the other endpoints do (harness/obey.mjs): by this module's
%% commands, or by those of the one that is named.
-module(bench_node).
-behaviour(gen_server).
-export([main/1, command/1]).
-export([init/1, handle_call/3, handle_cast/2]).

main([Module]) ->
    {ok, _} = gen_server:start({local, bench_echo}, ?MODULE, [], []),
    register(bench_sink, spawn(fun sink/0)),
    obey(Module).

init([]) -> {ok, []}.
handle_call(ping, _From, State) -> {reply, pong, State}.
handle_cast(_Request, State) -> {noreply, State}.

obey(Module) ->
    case io:get_line("") of
        Line when is_list(Line) ->
            Answer =
                try Module:command(string:lexemes(string:trim(Line), " "))
                catch Class:Reason -> io_lib:format("{\"error\":\"~p:~0p\"}", [Class, Reason])
                end,
            io:format("= ~s~n", [Answer]),
            obey(Module);
        _ ->
            halt()
    end.

command(["listen"]) ->
    io_lib:format("{\"address\":\"~s\",\"release\":\"~s\"}", [node(), erlang:system_info(otp_release)]);
command(["connect", Name]) ->
    Node = list_to_atom(Name),
    true = net_kernel:connect_node(Node),
    put(peer, Node),
    "{}";
command(["arm", _Payload, Count]) ->
    bench_sink ! {arm, list_to_integer(Count), self()},
    "{}";
command(["collect"]) ->
    receive
        {collected, Received, Sum, Ns} ->
            io_lib:format("{\"received\":~w,\"sum\":~w,\"ms\":~w}", [Received, Sum, Ns / 1.0e6])
    end;
command(["flood", Payload, Count]) ->
    %% A process of its own, as code that sends has.
    done = in_process(fun(Peer) -> flood({bench_sink, Peer}, payload(Payload), list_to_integer(Count)) end),
    "{}";
command(["calls", Count]) ->
    {Total, Samples} = in_process(fun(Peer) -> timed(fun() -> calls({bench_echo, Peer}, list_to_integer(Count), []) end) end),
    Sorted = list_to_tuple(lists:sort(Samples)),
    io_lib:format("{\"ms\":~w,\"p50\":~w,\"p99\":~w}", [Total / 1.0e6, percentile(Sorted, 0.5), percentile(Sorted, 0.99)]);
command(["crowd", Count, Size]) ->
    Callers = list_to_integer(Size),
    Each = list_to_integer(Count) div Callers,
    {Total, _} = in_process(fun(Peer) -> timed(fun() -> crowd({bench_echo, Peer}, Each, Callers) end) end),
    io_lib:format("{\"ms\":~w}", [Total / 1.0e6]);
command(["codec", Ms]) ->
    Maps = [reading(Id) || Id <- lists:seq(12301, 12364)],
    Encoded = [term_to_binary(Map) || Map <- Maps],
    Encode = fun() -> lists:foldl(fun(Map, Sum) -> Sum + byte_size(term_to_binary(Map)) end, 0, Maps) end,
    Decode = fun() -> lists:foldl(fun(Bytes, Sum) -> Sum + map_size(binary_to_term(Bytes)) end, 0, Encoded) end,
    Limit = list_to_integer(Ms),
    _ = in_process(fun(_) -> {rate(Encode, Limit div 2), rate(Decode, Limit div 2)} end),
    {In, Out} = in_process(fun(_) -> {rate(Encode, Limit), rate(Decode, Limit)} end),
    io_lib:format("{\"encode\":~w,\"decode\":~w,\"bytes\":~w}", [In, Out, byte_size(hd(Encoded))]).

in_process(Work) ->
    Self = self(),
    Peer = get(peer),
    {Pid, Monitor} = spawn_monitor(fun() -> Self ! {self(), Work(Peer)} end),
    receive
        {Pid, Result} -> erlang:demonitor(Monitor, [flush]), Result;
        {'DOWN', Monitor, process, Pid, Reason} -> error(Reason)
    end.

timed(Work) ->
    Begin = erlang:monotonic_time(nanosecond),
    Result = Work(),
    {erlang:monotonic_time(nanosecond) - Begin, Result}.

sink() ->
    receive
        {arm, Count, From} ->
            Check = take(),
            First = erlang:monotonic_time(nanosecond),
            Sum = sink(Count - 1, Check),
            From ! {collected, Count, Sum, erlang:monotonic_time(nanosecond) - First},
            sink()
    end.

sink(0, Sum) -> Sum;
sink(Left, Sum) -> sink(Left - 1, Sum + take()).

take() ->
    receive
        {temperature, Value, <<_/binary>>} -> Value;
        #{id := Id} -> Id;
        Bytes when is_binary(Bytes) -> byte_size(Bytes)
    end.

flood(_To, _Term, 0) -> done;
flood(To, Term, Left) ->
    To ! Term,
    flood(To, Term, Left - 1).

calls(_To, 0, Samples) -> Samples;
calls(To, Left, Samples) ->
    Begin = erlang:monotonic_time(nanosecond),
    pong = gen_server:call(To, ping),
    calls(To, Left - 1, [erlang:monotonic_time(nanosecond) - Begin | Samples]).

crowd(To, Each, Callers) ->
    Monitors = [spawn_monitor(fun() -> repeat(To, Each) end) || _ <- lists:seq(1, Callers)],
    [receive {'DOWN', Monitor, process, Pid, normal} -> ok end || {Pid, Monitor} <- Monitors].

repeat(_To, 0) -> ok;
repeat(To, Left) ->
    pong = gen_server:call(To, ping),
    repeat(To, Left - 1).

percentile(Sorted, Part) ->
    element(max(1, ceil(tuple_size(Sorted) * Part)), Sorted).

%% Whole rounds of 64 until the time is up, per second.
rate(Round, Ms) ->
    Begin = erlang:monotonic_time(nanosecond),
    rate(Round, Begin, Begin + Ms * 1000000, 0).

rate(Round, Begin, End, Done) ->
    Round(),
    case erlang:monotonic_time(nanosecond) of
        Now when Now >= End -> (Done + 64) * 1.0e9 / (Now - Begin);
        _ -> rate(Round, Begin, End, Done + 64)
    end.

payload("tuple") -> {temperature, 42, <<"hello">>};
payload("map") -> reading(12345);
payload("1KiB") -> noise(1024);
payload("64KiB") -> noise(65536);
payload("1MiB") -> noise(1048576).

reading(Id) ->
    #{id => Id, name => <<"sensor-17">>, temperature => 21.5, unit => <<"celsius">>, ok => true}.

%% Bytes that are no text.
noise(Length) ->
    <<255, (rand:bytes(Length - 1))/binary>>.
