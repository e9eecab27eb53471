import type { OtpNode } from '../../support/otp.ts'

/** Compiles an Erlang module in a node and loads it there. */
export async function loadModule(erl: OtpNode, source: string): Promise<void> {
  await erl.eval(
    `{ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Source)),
     Forms = (fun
       Split([], [], Done) -> lists:reverse(Done);
       Split([{dot, _} = Dot | Rest], Form, Done) ->
         {ok, Parsed} = erl_parse:parse_form(lists:reverse([Dot | Form])),
         Split(Rest, [], [Parsed | Done]);
       Split([Token | Rest], Form, Done) -> Split(Rest, [Token | Form], Done)
     end)(Tokens, [], []),
     {ok, Module, Code} = compile:forms(Forms),
     {module, Module} = code:load_binary(Module, "nofile", Code)`,
    { bind: { Source: Buffer.from(source) } },
  )
}
