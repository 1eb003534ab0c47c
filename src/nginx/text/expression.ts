/**
 * A value in an nginx configuration: pieces of literal text and variables, in their order. Literal text is anything that a
 * user may have written; whoever prints an expression quotes it, so no piece can become a directive or a variable.
 */
export type Part = string | { readonly variable: string } | typeof LF | typeof TAB;
export type Expression = readonly Part[];

/**
 * One line feed, which no field value can hold: it separates two values that are matched as one. Inside literal text it is an
 * error, so that a separator is only ever one that was asked for.
 */
export const LF = { lineFeed: true } as const;

/** A tab, between the fields of a log line. */
export const TAB = { tab: true } as const;

/** `$name`, without the sign. */
export function variable(name: string): Part {
  return { variable: name };
}
