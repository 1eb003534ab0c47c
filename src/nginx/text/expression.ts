/**
 * A value in an nginx configuration: pieces of literal text and variables, in their order. Literal text is anything that a
 * user may have written; whoever prints an expression quotes it, so no piece can become a directive or a variable.
 */
export type Part = string | { readonly variable: string };
export type Expression = readonly Part[];

/** `$name`, without the sign. */
export function variable(name: string): Part {
  return { variable: name };
}
