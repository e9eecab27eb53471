import { OptionError } from '../../base/errors.ts'

/**
 * Any schema that follows Standard Schema, version 1 (https://standardschema.dev): those of zod, valibot, arktype and many
 * others do.
 */
export interface StandardSchemaV1<Input = unknown, Output = Input> {
  readonly '~standard': StandardSchemaProps<Input, Output>
}

export interface StandardSchemaProps<Input = unknown, Output = Input> {
  readonly version: 1
  /** Whose schema it is. */
  readonly vendor: string
  readonly validate: (value: unknown) => StandardResult<Output> | Promise<StandardResult<Output>>
  /** Only for types; no schema has it at run time. */
  readonly types?: { readonly input: Input; readonly output: Output } | undefined
}

/** The value, as the schema made it, or what is wrong with it. */
export type StandardResult<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] }

export interface StandardIssue {
  readonly message: string
  /** Where in the value. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** @throws OptionError for `option` */
export function checkSchema(schema: unknown, option: string): StandardSchemaV1 {
  const standard = (schema as Partial<StandardSchemaV1> | null | undefined)?.['~standard']
  if (standard?.version === 1 && typeof standard.validate === 'function') return schema as StandardSchemaV1
  throw new OptionError(option, schema, 'a schema that follows Standard Schema, version 1')
}
