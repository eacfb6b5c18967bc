import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { checkEtcdOptions } from '../../../../src/store/etcd/options.ts';
import type { EtcdOptions } from '../../../../src/store/etcd/options.ts';

const endpoints = ['http://10.0.0.1:2379'];

describe('the settings of an etcd store', () => {
  it('have etcd\'s port and Tenure\'s prefix where none are given', () => {
    const settings = checkEtcdOptions({ endpoints: ['http://10.0.0.1', 'http://[fd00::1]:80/'] });
    assert.deepEqual(settings.endpoints, [
      { address: 'http://10.0.0.1:2379', target: '10.0.0.1:2379' },
      { address: 'http://[fd00::1]:80', target: '[fd00::1]:80' },
    ]);
    assert.equal(settings.prefix, '/tenure/');
    assert.equal(settings.login, null);
    assert.equal(settings.readTls, null);
    assert.equal(checkEtcdOptions({ endpoints, prefix: '/a/b-1' }).prefix, '/a/b-1/');
    assert.deepEqual(checkEtcdOptions({ endpoints, user: 'u', password: 'p' }).login, {
      name: 'u', password: 'p',
    });
  });

  it('are refused with the value and what would do', () => {
    const bad: [Partial<EtcdOptions>, RegExp, RegExp][] = [
      [{ endpoints: [] }, /no endpoints/, /at least one/],
      [{ endpoints: ['10.0.0.1:2379'] }, /"10\.0\.0\.1:2379"/, /http:\/\/HOST:PORT/],
      [{ endpoints: ['ftp://h'] }, /"ftp:\/\/h"/, /http:\/\/HOST:PORT/],
      [{ endpoints: ['http://h/path'] }, /"http:\/\/h\/path"/, /http:\/\/HOST:PORT/],
      [{ endpoints: ['http://u:p@h'] }, /"http:\/\/\*\*\*@h"/, /http:\/\/HOST:PORT/],
      [{ endpoints: ['http://h', 'https://i'] }, /part http, part https/, /one of the two/],
      [{ endpoints: ['http://h', 'http://h:2379'] }, /repeat/, /once/],
      [{ prefix: 'tenure' }, /"tenure"/, /begin it with \//],
      [{ prefix: '/' }, /"\/"/, /\/tenure\//],
      [{ prefix: '/a b/' }, /"\/a b\/"/, /letters/],
      [{ prefix: `/${'a'.repeat(300)}` }, /aaa/, /letters/],
      [{ user: 'u' }, /"u"/, /both/],
      [{ password: 'p' }, /no user/, /both/],
      [{ tls: { ca: '/nothing' } }, /endpoints are http/, /https/],
      [{ endpoints: ['https://h'], tls: { ca: '/nothing' } }, /\/nothing/, /PEM/],
      [{ endpoints: ['https://h'], tls: { cert: '/nothing' } }, /only one/, /both/],
    ];
    for (const [options, message, fix] of bad) {
      assert.throws(() => checkEtcdOptions({ endpoints, ...options }), (error) => {
        assert.ok(error instanceof Error && 'code' in error && 'fix' in error, String(error));
        assert.equal(error.code, 'invalid');
        assert.match(error.message, message);
        assert.match(String(error.fix), fix);
        return true;
      });
    }
  });
});
