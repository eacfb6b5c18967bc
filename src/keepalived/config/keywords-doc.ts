/** KEYWORDS.md, made from the table of keywords. Pure. */
import { describeShape } from './describe.ts';
import { root } from './table/root.ts';
import type { Block, Header, Keyword, Keywords, Shape } from './table/shapes.ts';
import { formatVersion, newestVersion, oldestVersion } from './version.ts';

const intro = `<!-- Made by generate-docs.ts: change table/*.ts, then run
     node --import tsx src/keepalived/config/generate-docs.ts -->

# Keywords of keepalived.conf

What keepalived's parser takes, from ${formatVersion(oldestVersion)} to ${formatVersion(newestVersion)}. Limits are those of the parser
itself, which its manual page does not always tell. A release behind a keyword is the first to know
it. Of a keyword that stands twice in a block the last one counts, unless it says otherwise.

Every line may begin with \`@NAME\` or \`@^NAME\`, to be read by this configuration id alone or by all
others. \`$X=\`, \`~SEQ\`, \`~LST\` and \`include\` are told of in README.md.
`;

/** The text of KEYWORDS.md. */
export function keywordsDoc(): string {
  const sections = blocksIn('', root).map(({ path, keywords, shape }) =>
    [`## ${path === '' ? 'Outside all blocks' : path}`, head(path, shape), tableOf(keywords)]
      .filter((part) => part !== '').join('\n\n'));
  return `${[intro.trimEnd(), ...sections].join('\n\n')}\n`;
}

interface FoundBlock {
  readonly path: string;
  readonly keywords: Keywords;
  readonly shape?: Block;
}

/** A block, and those within it. */
function blocksIn(path: string, keywords: Keywords, shape?: Block): FoundBlock[] {
  const inner = Object.entries(keywords).flatMap(([keyword, { shape: own, deprecated }]) => {
    const plain = blockOf(own);
    if (!plain || deprecated) return [];
    return blocksIn(path === '' ? keyword : `${path} / ${keyword}`, plain.keywords, plain);
  });
  return [{ path, keywords, ...(shape ? { shape } : {}) }, ...inner];
}

function blockOf(shape: Shape): Block | undefined {
  const plain = shape.kind === 'opaque' ? shape.of : shape;
  return plain.kind === 'block' ? plain : undefined;
}

const headers: Readonly<Record<Header, string>> = {
  none: '', name: ' NAME', 'only-name': ' NAME', address: ' ADDRESS PORT',
};

function head(path: string, shape: Block | undefined): string {
  if (!shape) return '';
  const keyword = path.split(' / ').at(-1) ?? '';
  const limit = shape.maxName === undefined ? ''
    : ` The name has at most ${shape.maxName} characters.`;
  return `\`${keyword}${headers[shape.header]} { ... }\`.${limit}`;
}

function tableOf(keywords: Keywords): string {
  const rows = Object.entries(keywords).map(([keyword, entry]) =>
    `| \`${keyword}\` | ${valuesOf(entry)} | ${notesOf(entry)} |`);
  return ['| Keyword | Values | |', '| --- | --- | --- |', ...rows].join('\n');
}

function valuesOf({ shape, later = [] }: Keyword): string {
  const all = [describeShape(shape),
    ...later.map((one) => `from ${one.since} on: ${describeShape(one.shape)}`)];
  return escape(all.join('; '));
}

function notesOf(entry: Keyword): string {
  const { about, since, until, needs, deprecated, repeat, cancels = [] } = entry;
  const refusedFrom = deprecated?.from === undefined ? '' : `, refused from ${deprecated.from} on`;
  return escape([
    about,
    deprecated && `Deprecated${refusedFrom}: use ${deprecated.use}.`,
    cancels.length > 0 && `Takes back ${cancels.join(', ')}.`,
    repeat === 'refused' && 'Once only.',
    repeat === 'adds' && 'Several add up.',
    since !== undefined && `Since ${since}.`,
    until !== undefined && `Until ${until}.`,
    needs && `Needs a build with ${needs}.`,
  ].filter((part) => typeof part === 'string').join(' '));
}

function escape(text: string): string {
  return text.replaceAll('|', '\\|');
}
