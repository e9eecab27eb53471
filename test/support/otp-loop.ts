/**
 * The program every OTP node under test runs: it reads requests from standard input, one per line, evaluates them and
 * answers on standard output, so that it depends neither on distribution nor on a terminal. End of input ends the node.
 *
 *     request  = id SP mode SP place SP base64(text) *(SP name SP base64(bytes))
 *     answer   = mark SP id SP ("ok" / "error") SP base64(bytes)
 *     mode     = "text" (the value printed on one line) / "bytes" (the value is iodata)
 *     place    = "main" (one process for all of them, one after another) / "apart" (a process of its own)
 *
 * It has a port of its own on descriptor 0 because `io:get_line/1` is slow on long lines and differs between releases.
 */
export const otpLoop = String.raw`
Mark = list_to_binary(os:getenv("TSUNAGI_TEST_MARK")),
Language = os:getenv("TSUNAGI_TEST_LANGUAGE"),
Answer = fun(Id, Tag, Bytes) ->
  io:put_chars(user, [Mark, $\s, Id, $\s, Tag, $\s, base64:encode(iolist_to_binary(Bytes)), $\n])
end,
Print = fun
  (Value) when Language =:= "elixir" ->
    'Elixir.Kernel':inspect(Value, [{limit, infinity}, {printable_limit, infinity}, {width, infinity}]);
  (Value) ->
    unicode:characters_to_binary(io_lib:format("~0tp", [Value]))
end,
Evaluate = fun
  (Text, Bindings) when Language =:= "elixir" ->
    Lower = [{list_to_atom(string:lowercase(binary_to_list(Name))), Bytes} || {Name, Bytes} <- Bindings],
    element(1, 'Elixir.Code':eval_string(Text, Lower));
  (Text, Bindings) ->
    {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text) ++ ". "),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    {value, Value, _} = erl_eval:exprs(Expressions, [{binary_to_atom(Name, utf8), Bytes} || {Name, Bytes} <- Bindings]),
    Value
end,
Pairs = fun
  Pairs([Name, Bytes | Rest]) -> [{Name, base64:decode(Bytes)} | Pairs(Rest)];
  Pairs([]) -> []
end,
Serve = fun(Id, Mode, Text, Bindings) ->
  try
    Value = Evaluate(base64:decode(Text), Pairs(Bindings)),
    Bytes = case Mode of
      <<"text">> -> Print(Value);
      <<"bytes">> -> iolist_to_binary(Value)
    end,
    Answer(Id, "ok", Bytes)
  catch
    Class:Reason:Stack -> Answer(Id, "error", Print({Class, Reason, Stack}))
  end
end,
Main = spawn(fun Main() ->
  receive {'$tsunagi_serve', Id, Mode, Text, Bindings} -> Serve(Id, Mode, Text, Bindings), Main() end
end),
Read = fun Read(Port, Parts) ->
  receive
    {Port, {data, {noeol, Part}}} ->
      Read(Port, [Part | Parts]);
    {Port, {data, {eol, Part}}} ->
      Line = iolist_to_binary(lists:reverse([Part | Parts])),
      [Id, Mode, Place, Text | Bindings] = binary:split(Line, <<" ">>, [global]),
      case Place of
        <<"main">> -> Main ! {'$tsunagi_serve', Id, Mode, Text, Bindings};
        <<"apart">> -> spawn(fun() -> Serve(Id, Mode, Text, Bindings) end)
      end,
      Read(Port, []);
    {Port, eof} ->
      erlang:halt(0, [{flush, false}])
  end
end,
spawn(fun() ->
  try
    Port = open_port({fd, 0, 0}, [in, binary, eof, {line, 65536}]),
    Answer("0", "ok", [erlang:system_info(otp_release), $\s, os:getpid(), $\s, atom_to_list(node())]),
    Read(Port, [])
  catch
    Class:Reason:Stack -> io:format(user, "~p~n", [{Class, Reason, Stack}]), erlang:halt(1)
  end
end)`
