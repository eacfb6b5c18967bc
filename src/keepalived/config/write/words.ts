/** Words as they have to stand in a file so that keepalived reads them back. */

/**
 * A word, in quotes if it needs them. There is no escape: a word with a double quote or a line
 * end cannot be written at all, which the writer finds when it reads its text back.
 */
export function quoteWord(text: string): string {
  const plain = text !== '' && !/[\s"{}!#\\]/.test(text) && !/^[@$~]/.test(text);
  return plain ? text : `"${text}"`;
}

/**
 * A command. Quotes, backslashes and dollar signs become escapes, so that one pair of double
 * quotes holds it all, whatever is in it.
 */
export function quoteCommand(text: string): string {
  if (text !== '' && !/[\s"'{}!#\\$]/.test(text)) return text;
  const escaped = text.replace(/["\\$\n\r\0]/g, (char) =>
    char === '\\' ? '\\\\' : `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);
  return `"${escaped}"`;
}
