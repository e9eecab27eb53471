import { execFileSync } from 'node:child_process'
import { bareEnvironment, commandOf, type Release } from '../support/releases.ts'
import { type Block, read } from './pages.ts'

/**
 * Compiles what comes on standard input, as Elixir terms in base64, a page at a time. Modules are compiled as they are;
 * all else is the body of one function, for each page, which is not called. Erlang is read, as expressions or terms.
 */
const compiler = String.raw`
Code.compiler_options(ignore_module_conflict: true)
[fixtures | items] = IO.read(:stdio, :all) |> String.split("\n", trim: true) |> Enum.map(&Base.decode64!/1)
report = fn place, text -> IO.puts(:stdio, "PROBLEM " <> place <> ": " <> String.replace(text, "\n", " ")) end
guard = fn place, fun ->
  try do
    fun.()
  rescue
    error -> report.(place, Exception.message(error)); nil
  end
end
Code.compile_string(fixtures)

items
|> Enum.map(fn item -> String.split(item, "\0", parts: 4) |> List.to_tuple() end)
|> Enum.group_by(&elem(&1, 0))
|> Enum.each(fn {page, blocks} ->
  elixir =
    for {_, line, "elixir", text} <- blocks do
      guard.(page <> ":" <> line, fn -> Code.string_to_quoted!(text, line: String.to_integer(line), file: page) end)
    end

  expressions = Enum.flat_map(elixir, fn {:__block__, _, list} -> list; nil -> []; one -> [one] end)
  {outer, inner} = Enum.split_with(expressions, &match?({kind, _, _} when kind in [:defmodule, :defprotocol, :defimpl], &1))
  {defs, body} = Enum.split_with(inner, &match?({kind, _, _} when kind in [:def, :defp], &1))
  for module <- outer, do: guard.(page, fn -> Code.compile_quoted(module, page) end)
  name = Module.concat(["Page" <> Integer.to_string(:erlang.phash2(page))])
  guard.(page, fn ->
    Code.compile_quoted(quote do
      defmodule unquote(name) do
        unquote_splicing(defs)
        def page, do: (unquote_splicing(body); :ok)
      end
    end, page)
  end)

  for {_, line, "erlang", text} <- blocks do
    {:ok, tokens, _} = :erl_scan.string(String.to_charlist(text <> "\n"))
    tokens = if match?({:dot, _}, List.last(tokens)), do: tokens, else: tokens ++ [{:dot, 0}]
    Enum.chunk_while(tokens, [], fn
      {:dot, _} = dot, acc -> {:cont, Enum.reverse([dot | acc]), []}
      token, acc -> {:cont, [token | acc]}
    end, fn _ -> {:cont, []} end)
    |> Enum.each(fn form ->
      case :erl_parse.parse_exprs(form) do
        {:ok, _} -> :ok
        {:error, {_, module, reason}} -> report.(page <> ":" <> line, to_string(module.format_error(reason)))
      end
    end)
  end
end)
IO.puts("DONE")
`

/** What a release of Elixir says of blocks in Elixir and Erlang, by page. */
export function elixirProblems(release: Release, blocks: readonly Block[]): string[] {
  const fixtures = ['phoenix.ex', 'channels.ex'].map((file) => read(`test/interop/fixtures/pubsub/${file}`)).join('\n')
  const items = blocks.map(({ page, line, language, text }) => [page, line, language, text].join('\0'))
  const input = [fixtures, ...items].map((text) => Buffer.from(text).toString('base64')).join('\n')
  const [file, args] = commandOf(release, 'elixir', ['-e', compiler])
  const output = execFileSync(file, args, {
    input,
    encoding: 'utf8',
    env: { ...bareEnvironment(release), HOME: '/tmp' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  if (!/^DONE$/m.test(output)) throw new Error(output)
  return Array.from(output.matchAll(/^PROBLEM (.*)$/gm), ([, problem]) => problem as string)
}
