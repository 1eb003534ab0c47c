/**
 * Rows of text as aligned columns. In: a head and cells, each plain text with a style. Out: lines. Widths are counted in
 * characters of plain text, so styles never bend a column.
 */
import type { Paint, Style } from './streams.ts';

export interface Cell {
  readonly text: string;
  readonly style?: Style | undefined;
  readonly align?: 'left' | 'right';
}

const GAP = '  ';

export function renderTable(head: readonly string[], rows: readonly (readonly Cell[])[], paint: Paint): string[] {
  const widths = head.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].text.length)));
  const right = head.map((_, i) => rows.length > 0 && rows.every((row) => row[i].align === 'right'));
  const line = (cells: readonly Cell[], aligned: (i: number) => boolean) =>
    cells
      .map(({ text, style }, i) => {
        // Blanks stay outside of the style; the last column carries none.
        const blanks = ' '.repeat(widths[i] - text.length);
        const shown = style === undefined || text === '' ? text : paint(style, text);
        if (aligned(i)) return blanks + shown;
        return i === cells.length - 1 ? shown : shown + blanks;
      })
      .join(GAP)
      .trimEnd();
  const title = line(
    head.map((text): Cell => ({ text, style: 'bold' })),
    (i) => right[i],
  );
  return [title, ...rows.map((row) => line(row, (i) => row[i].align === 'right'))];
}
