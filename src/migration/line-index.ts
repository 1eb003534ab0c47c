/** Lines of a text: an offset becomes a line and a column, both 1-based; columns count UTF-16 units. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export class LineIndex {
  readonly text: string;
  /** Offsets at which lines begin. */
  readonly starts: readonly number[];

  constructor(text: string) {
    this.text = text;
    const starts = [0];
    for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
    this.starts = starts;
  }

  /** The 0-based number of the line that holds the offset. */
  lineAt(offset: number): number {
    let low = 0;
    let high = this.starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.starts[middle] <= offset) low = middle + 1;
      else high = middle;
    }
    return Math.max(low - 1, 0);
  }

  placeAt(offset: number): Place {
    const line = this.lineAt(offset);
    // A byte order mark takes no column in any editor.
    const mark = line === 0 && this.text.startsWith('\ufeff') ? 1 : 0;
    return { line: line + 1, column: Math.max(offset - this.starts[line] - mark, 0) + 1 };
  }

  /** The text of a 0-based line without its end. */
  lineText(line: number): string {
    const end = this.starts[line + 1] ?? this.text.length + 1;
    return this.text.slice(this.starts[line], end - 1).replace(/\r$/, '');
  }
}
