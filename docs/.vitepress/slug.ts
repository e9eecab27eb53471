/** The anchor of a heading, made as GitHub makes it, so that links work on both sides. */
export function slug(heading: string): string {
  const words = heading.trim().toLowerCase()
  return words.replace(/[^\p{L}\p{N}\s_-]/gu, '').replace(/\s/g, '-')
}
