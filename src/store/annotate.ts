/** One annotation of a manifest, set without a change to the rest: comments and layout stay. */
import { parseDocument } from 'yaml';

/** The text is one YAML document that is a map. */
export function annotated(text: string, key: string, value: string): string {
  const document = parseDocument(text);
  document.setIn(['metadata', 'annotations', key], value);
  return document.toString({ lineWidth: 0 });
}
