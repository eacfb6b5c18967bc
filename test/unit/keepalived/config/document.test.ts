import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Item, printDocument, wordsOf } from
  '../../../../src/keepalived/config/document/document.ts';
import { parseDocument } from '../../../../src/keepalived/config/document/parse.ts';
import { configurationText } from '../../../netns/keepalived-config-generate.ts';
import { mutatedText, specimen } from '../../../netns/keepalived-config-mutate.ts';

const scraps = fc.array(fc.constantFrom(
  '{', '}', '"', '#', '!', '\\', '\n', '\r\n', ' ', '\t', 'a', 'vrrp_instance V', '@x ', '@^x ', '$A=',
  '$A=b \\\n', '~SEQ(i, 1, 2) ', '~LST(', 'include x', 'includem', '\0', '\u{1f600}', '0',
), { maxLength: 60 }).map((parts) => parts.join(''));

/** All items, those within blocks too. */
function flatten(items: readonly Item[]): Item[] {
  return items.flatMap((item) => item.kind === 'statement' && item.block
    ? [item, ...flatten(item.block.items)] : [item]);
}

describe('a keepalived.conf kept as it is written', () => {
  it('prints every text back byte for byte, however odd it is', () => {
    const any = fc.oneof(fc.string({ unit: 'binary' }), scraps, mutatedText, configurationText);
    fc.assert(fc.property(any, (text) => {
      assert.equal(printDocument(parseDocument(text)), text);
    }), { numRuns: 1000 });
  });

  it('knows statements, their words and their blocks', () => {
    const { items } = parseDocument(specimen);
    const blocks = items.filter((item) => item.kind === 'statement');
    assert.deepEqual(blocks.map(wordsOf), [
      ['global_defs'], ['vrrp_script', 'S'], ['track_file', 'F'], ['vrrp_sync_group', 'G'],
      ['vrrp_instance', 'V'], ['vrrp_instance', 'W'],
    ]);
    const script = blocks[1]?.block?.items.filter((item) => item.kind === 'statement') ?? [];
    assert.deepEqual(script.map(wordsOf), [['script', "/usr/bin/true a 'b c'"], ['interval', '2']]);
  });

  it('keeps a comment with the line it stands on, and others as lines of their own', () => {
    const { items } = parseDocument('# top\nglobal_defs { # why\n  router_id x ! here\n}  # end\n');
    const [top, block] = items;
    assert.deepEqual(top, { kind: 'comment', text: '# top\n' });
    assert.ok(block?.kind === 'statement' && block.block, 'a block');
    assert.equal(block.block.openTail, ' # why\n');
    assert.equal(block.tail, '  # end\n');
    const [inner] = block.block.items;
    assert.ok(inner?.kind === 'statement', 'a statement');
    assert.equal(inner.tail, ' ! here\n');
  });

  it('does not take a brace or a comment sign in double quotes for one', () => {
    const { items } = parseDocument('a { b "{ # }" }\nc "!" # d\n');
    const [block, last] = items;
    assert.ok(block?.kind === 'statement' && last?.kind === 'statement', 'two statements');
    const [inner] = block.block?.items ?? [];
    assert.deepEqual(inner?.kind === 'statement' ? wordsOf(inner) : [], ['b', '{ # }']);
    assert.deepEqual([last.source, last.tail], ['c "!"', ' # d\n']);
  });

  it('keeps lines of the preprocessor whole, and conditions with their lines', () => {
    const text = '$A=b \\\n  c \\\n  d\n~SEQ(i, 1, 3) vrrp_instance V${i} { }\ninclude /etc/x/*.conf\n'
      + 'includem y\nvrrp_instance V {\n  @node1 priority 100\n  @^node1 priority 50\n  $A\n}\n';
    const all = flatten(parseDocument(text).items);
    assert.deepEqual(all.flatMap((item) => item.kind === 'directive'
      ? [[item.directive, item.text.split('\n').length - 1]] : []), [
      ['definition', 3], ['loop', 1], ['include', 1], ['include', 1],
    ]);
    assert.deepEqual(all.flatMap((item) => item.kind === 'statement'
      ? [[item.condition, wordsOf(item).join(' ')]] : []), [
      ['', 'vrrp_instance V'], ['@node1 ', 'priority 100'], ['@^node1 ', 'priority 50'], ['', '$A'],
    ]);
  });
});
