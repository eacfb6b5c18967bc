/** Telling it: plain lines that fit the terminal, with the time since the beginning. */

export interface Story {
  /** A heading. */
  chapter(title: string): void;
  /** Something that happened just now. */
  event(text: string): void;
  /** What is to be known of it. */
  remark(text: string): void;
}

export const silentStory: Story = {
  chapter: () => undefined, event: () => undefined, remark: () => undefined,
};

/** Words to lines of at most `width`, the first one indented by `first`, the others by `rest`. */
export function wrap(text: string, width: number, first = '', rest = first): string {
  const lines: string[] = [];
  let line = first;
  let isEmpty = true;
  for (const word of text.split(' ')) {
    if (!isEmpty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = rest;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}

/** The width to write in: what the terminal has, within reason. */
export function widthOf(stream: NodeJS.WriteStream): number {
  return Math.max(40, Math.min(stream.columns || 80, 88));
}

export function tellOn(stream: NodeJS.WriteStream): Story {
  const width = widthOf(stream);
  const begun = performance.now();
  const say = (text: string): void => { stream.write(`${text}\n`); };
  const bold = (text: string): string => (
    stream.isTTY && stream.hasColors() ? `\u001b[1m${text}\u001b[22m` : text
  );
  return {
    chapter: (title) => say(`\n${bold(wrap(title, width))}`),
    event: (text) => {
      const clock = `${((performance.now() - begun) / 1000).toFixed(1).padStart(5)} s  `;
      say(wrap(text, width, clock, ' '.repeat(clock.length)));
    },
    remark: (text) => say(wrap(text, width, ' '.repeat(9))),
  };
}

/** Columns as wide as their widest cell; below each other instead if the terminal is narrower. */
export function table(
  head: readonly string[], rows: readonly (readonly string[])[], width: number,
): string {
  const widths = head.map((title, column) => (
    Math.max(title.length, ...rows.map((row) => row[column]!.length))
  ));
  const total = widths.reduce((sum, one) => sum + one + 2, -2);
  if (total > width) {
    return rows.map((row) => row.map((cell, column) => (
      column === 0 ? cell : `  ${head[column]!}: ${cell}`
    )).join('\n')).join('\n');
  }
  const pad = (cell: string, column: number): string => (
    column < 2 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)
  );
  const line = (cells: readonly string[]): string => cells.map(pad).join('  ').trimEnd();
  return [line(head), ...rows.map(line)].join('\n');
}

/** Milliseconds for people. */
export function duration(ms: number): string {
  if (ms >= 1000) return `${Number((ms / 1000).toFixed(2))} s`;
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

export function count(number: number, one: string, many = `${one}s`): string {
  return `${number.toLocaleString('en-US')} ${number === 1 ? one : many}`;
}
