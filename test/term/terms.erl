%% Runs in the OTP nodes that the tests of terms use as their oracle.
-module(terms).
-export([round_trip/1, same/1, printed/1, read/1, random/3]).

frames(<<Length:32, Frame:Length/binary, Rest/binary>>) -> [Frame | frames(Rest)];
frames(<<>>) -> [].

frame(Data) -> [<<(iolist_size(Data)):32>>, Data].

%% Terms in, the same terms out.
round_trip(Input) -> [frame(term_to_binary(binary_to_term(Bytes))) || Bytes <- frames(Input)].

%% Pairs of terms in; a byte for each: whether they are =:=.
same(Input) -> same_pairs(frames(Input)).

same_pairs([A, B | Rest]) ->
    [case binary_to_term(A) =:= binary_to_term(B) of true -> 1; false -> 0 end | same_pairs(Rest)];
same_pairs([]) -> [].

%% Terms in, their texts out.
printed(Input) ->
    [frame(unicode:characters_to_binary(io_lib:format("~0tp", [binary_to_term(Bytes)]))) || Bytes <- frames(Input)].

%% Texts and the terms they stand for in; for each pair nothing when OTP reads the text as that term, else what is wrong.
read(Input) -> read_pairs(frames(Input)).

read_pairs([Text, Bytes | Rest]) ->
    Expected = binary_to_term(Bytes),
    Outcome = try
        {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text) ++ "."),
        {ok, Term} = erl_parse:parse_term(Tokens),
        case Term =:= Expected of
            true -> <<>>;
            false -> {other, Term}
        end
    catch
        _:Reason -> Reason
    end,
    Answer = case Outcome of
        <<>> -> <<>>;
        _ -> unicode:characters_to_binary(io_lib:format("~0tp", [Outcome]))
    end,
    [frame(Answer) | read_pairs(Rest)];
read_pairs([]) -> [].

%% Count random terms, each encoded in one of the ways that OTP has. Opaque: also what has no syntax.
random(Seed, Count, Opaque) ->
    rand:seed(exsss, Seed),
    put(opaque, Opaque),
    [frame(encoded(term(4))) || _ <- lists:seq(1, Count)].

encoded(Term) ->
    case n(6) of
        1 -> term_to_binary(Term, [compressed]);
        2 -> term_to_binary(Term, [{minor_version, 1}]);
        3 -> term_to_binary(Term, [{compressed, 9}, {minor_version, 2}]);
        4 -> term_to_binary(Term, [{minor_version, 0}]);
        _ -> term_to_binary(Term)
    end.

n(N) -> rand:uniform(N).

list(Most, Make) -> [Make() || _ <- lists:seq(1, n(Most + 1) - 1)].

term(0) -> leaf(n(leaves()));
term(Depth) ->
    case n(16) of
        1 -> list(6, fun() -> term(Depth - 1) end);
        2 -> list_to_tuple(list(6, fun() -> term(Depth - 1) end));
        3 -> [term(Depth - 1), term(Depth - 1) | leaf(1)];
        4 -> maps:from_list(list(5, fun() -> {term(Depth - 1), term(Depth - 1)} end));
        5 -> maps:from_list(list(6, fun() -> {an_atom(), term(Depth - 1)} end));
        6 -> case get(opaque) of
                 true -> Env = term(Depth - 1), Other = term(0), fun(X) -> {X, Env, Other} end;
                 false -> leaf(n(leaves()))
             end;
        7 -> case n(200) of
                 1 -> list_to_tuple(lists:seq(1, 300));
                 2 -> lists:duplicate(300, term(0));
                 3 -> lists:seq(1, 70000);
                 4 -> lists:duplicate(65536, 7);
                 5 -> maps:from_list([{N, N} || N <- lists:seq(1, 100)]);
                 6 -> maps:from_list([{{N, self()}, N} || get(opaque), N <- lists:seq(1, 40)]);
                 _ -> leaf(n(leaves()))
             end;
        _ -> leaf(n(leaves()))
    end.

leaf(1) -> n(300) - 20;
leaf(2) -> sign() * rand:uniform(1 bsl n(70));
leaf(3) -> sign() * (1 bsl (8 * n(300)) - n(3) + 1);
leaf(4) -> a_float();
leaf(5) -> an_atom();
leaf(6) -> an_atom();
leaf(7) -> unicode:characters_to_binary(text(12));
leaf(8) -> rand:bytes(n(20) - 1);
leaf(9) -> Bits = n(70), <<Whole:Bits/bitstring, _/bitstring>> = rand:bytes(16), Whole;
leaf(10) -> case n(2) of 1 -> text(10); 2 -> binary_to_list(rand:bytes(n(10))) end;
leaf(11) -> fun erlang:abs/1;
leaf(12) -> self();
leaf(13) -> make_ref();
leaf(14) -> hd(erlang:ports());
leaf(15) -> external(n(4));
leaf(16) -> fun lists:map/2.

sign() -> 2 * n(2) - 3.

a_float() ->
    case n(4) of
        1 -> float(n(2000) - 1000);
        2 -> rand:normal();
        3 -> math:pow(10, n(600) - 300) * sign();
        4 ->
            case rand:bytes(8) of
                <<F/float>> -> F;
                _ -> a_float()
            end
    end.

an_atom() ->
    case n(3) of
        1 -> lists:nth(n(12), [ok, true, false, nil, undefined, 'a b', '', 'Caps', 'it\'s', '\n', 'end', 'é']);
        2 -> list_to_atom("key_" ++ integer_to_list(n(2000)));
        3 -> put(salt, n(1000)), list_to_atom([16#20 + (C * get(salt)) rem 9000 || C <- lists:seq(1, n(3))])
    end.

text(Most) -> list(Most, fun character/0).

character() ->
    case n(4) of
        1 -> n(128) - 1;
        2 -> n(256) - 1;
        3 -> 16#100 + n(16#d000);
        4 -> 16#10000 + n(16#fffff)
    end.

%% Identifiers of other nodes, which only bytes can make.
external(1) -> binary_to_term(<<131, 88, (node_name())/binary, (n(1 bsl 32) - 1):32, (n(1 bsl 32) - 1):32, (n(1 bsl 32) - 1):32>>);
external(2) ->
    Words = n(5),
    More = rand:bytes(4 * (Words - 1)),
    binary_to_term(<<131, 90, Words:16, (node_name())/binary, (n(1 bsl 32) - 1):32, (n(1 bsl 18) - 1):32, More/binary>>);
external(3) -> binary_to_term(<<131, 120, (node_name())/binary, (n(1 bsl 64) - 1):64, (n(1 bsl 32) - 1):32>>);
external(4) -> binary_to_term(<<131, 89, (node_name())/binary, (n(1 bsl 28) - 1):32, (n(1 bsl 32) - 1):32>>).

node_name() ->
    Name = lists:nth(n(3), [<<"a@host">>, <<"b@host.example">>, <<"node@127.0.0.1">>]),
    <<119, (byte_size(Name)), Name/binary>>.

leaves() -> case get(opaque) of true -> 16; false -> 11 end.
