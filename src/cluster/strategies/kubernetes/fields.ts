/** An object of Kubernetes. What is in it is not checked. */
export type KubeObject = Readonly<Record<string, unknown>>

/** The fields of what ought to be an object; none of anything else. */
export function fields(value: unknown): KubeObject {
  return typeof value === 'object' && value !== null ? (value as KubeObject) : {}
}
