import { after, before, beforeEach, describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { claimsOf, eip4, eip6, frames, own4, own6, World, type Actor } from './fence-world.ts';

const drop = 'ENOBUFS';

describe('the fence, with addresses bound on its interface', { timeout: 120_000 }, () => {
  let world: World;
  let agent: Actor;
  before(async () => {
    world = await World.create();
    agent = await world.actor();
    assert.deepEqual(await agent.open(), { kind: 'egress', reason: null });
    await agent.manage();
  });
  after(async () => world[Symbol.asyncDispose]());
  beforeEach(async () => {
    await agent.hold({ remove: [eip4, eip6] });
    await agent.arm(0);
    await world.heard();
  });

  const holdAndArm = async (): Promise<void> => {
    await agent.hold({ add: [eip4, eip6] });
    await agent.arm(60_000);
  };

  it('keeps the kernel from answering for them, and lets it answer for the others', async () => {
    const before_ = await agent.dropped();
    for (const address of [eip4, eip6, own4, own6]) await world.ask(address);
    const heard = await world.heard();
    assert.deepEqual(claimsOf(heard, eip4), []);
    assert.deepEqual(claimsOf(heard, eip6), []);
    assert.ok(claimsOf(heard, own4).includes('arp-reply by kernel'));
    assert.ok(claimsOf(heard, own6).includes('advertisement by kernel'));
    const dropped = await agent.dropped();
    assert.ok(dropped.kernel >= before_.kernel + 2, 'the silenced answers are counted');
    assert.equal(dropped.agent, before_.agent);
  });

  it('keeps the kernel silent also while they are held and the gate is open', async () => {
    await holdAndArm();
    for (const address of [eip4, eip6]) await world.ask(address);
    const heard = await world.heard();
    assert.deepEqual([...claimsOf(heard, eip4), ...claimsOf(heard, eip6)], []);
  });

  it('lets the agent claim what is held, through an open gate', async () => {
    await holdAndArm();
    const said = [
      frames.request(eip4), frames.reply(eip4), frames.answer(eip4), frames.advertisement(eip6),
      frames.solicitation(eip6, 'fd66::2'),
    ];
    assert.deepEqual(await agent.send({ frames: said }), said.map(() => null));
    const heard = await world.heard();
    assert.deepEqual(claimsOf(heard, eip4), [
      'arp-request by agent', 'arp-reply by agent', 'arp-reply by agent',
    ]);
    assert.deepEqual(claimsOf(heard, eip6), ['advertisement by agent', 'solicitation by agent']);
  });

  for (const [name, prepare] of [
    ['is not held', async () => { await agent.arm(60_000); }],
    ['is held but the gate is closed', async () => { await agent.hold({ add: [eip4, eip6] }); }],
    ['was held and is no longer', async () => {
      await holdAndArm();
      await agent.hold({ remove: [eip4, eip6] });
    }],
    ['is held and the gate was closed again', async () => {
      await holdAndArm();
      await agent.arm(0);
    }],
  ] as const) {
    it(`drops the agent's claims of an address that ${name}, and tells it`, async () => {
      await prepare();
      const said = [
        frames.request(eip4), frames.reply(eip4), frames.advertisement(eip6),
        frames.solicitation(eip6, 'fd66::2'),
      ];
      const before_ = await agent.dropped();
      assert.deepEqual(await agent.send({ frames: said }), said.map(() => drop));
      const heard = await world.heard();
      assert.deepEqual([...claimsOf(heard, eip4), ...claimsOf(heard, eip6)], []);
      const dropped = await agent.dropped();
      assert.deepEqual(dropped, { kernel: before_.kernel, agent: before_.agent + said.length });
    });
  }

  it("drops others' answers at all times, and lets their questions pass while held", async () => {
    const answers = [
      frames.reply(eip4), frames.advertisement(eip6), frames.hidden(eip6),
      frames.operation(eip4, 3), frames.operation(eip4, 9),
    ];
    const questions = [frames.request(eip4), frames.solicitation(eip6, 'fd66::2')];
    const said = [...answers, ...questions];
    assert.deepEqual(await agent.send({ frames: said, marked: false }), said.map(() => drop));
    await holdAndArm();
    assert.deepEqual(await agent.send({ frames: said, marked: false }), [
      ...answers.map(() => drop), null, null,
    ]);
    const heard = await world.heard();
    assert.deepEqual(claimsOf(heard, eip4), ['arp-request by agent']);
    assert.deepEqual(claimsOf(heard, eip6), ['solicitation by agent']);
  });

  it('sees an advertisement behind an extension header', async () => {
    await holdAndArm();
    assert.deepEqual(await agent.send({ frames: [frames.hidden(eip6)] }), [null]);
    assert.deepEqual(claimsOf(await world.heard(), eip6), ['advertisement by agent']);
    await agent.hold({ remove: [eip6] });
    assert.deepEqual(await agent.send({ frames: [frames.hidden(eip6)] }), [drop]);
  });

  it('does not believe sockets that say to send another protocol', async () => {
    await holdAndArm();
    const arp = [frames.reply(eip4), frames.request(eip4)];
    const nd = [frames.advertisement(eip6), frames.solicitation(eip6, 'fd66::2')];
    const harmless = [frames.probe(eip4), frames.dad(eip6), frames.reply(own4)];
    for (const [protocol, said] of [
      [0x88b5, [...arp, ...nd]], [0x0800, [...arp, ...nd]], [0x0806, nd], [0x86dd, arp],
    ] as const) {
      const order = { protocol, marked: false };
      const codes = await agent.send({ ...order, frames: said });
      assert.deepEqual(codes, said.map(() => drop), `declared as ${protocol.toString(16)}`);
      assert.deepEqual(await agent.send({ ...order, frames: harmless }), [null, null, null]);
    }
  });

  it('lets probes pass, which claim nothing, and whatever is about other addresses', async () => {
    const said = [
      frames.probe(eip4), frames.dad(eip6), frames.reply(own4), frames.request('10.66.9.9'),
      frames.advertisement('fd66::9'), frames.solicitation(own6, eip6),
    ];
    assert.deepEqual(await agent.send({ frames: said, marked: false }), said.map(() => null));
    assert.equal((await world.heard()).length, said.length);
  });

  it('leaves frames alone that say in band to be of another VLAN', async () => {
    const said = [frames.tagged(frames.reply(eip4), 7)];
    assert.deepEqual(await agent.send({ frames: said, marked: false }), [null]);
  });

  it('lets local programs talk from a held address, and not from one that is not held', async () => {
    const ping = async (from: string, to: string): Promise<string[]> => {
      await world.run('a', ['ip', 'neigh', 'flush', 'dev', 'e0']);
      await world.heard();
      await world.run('a', ['ping', '-c', '1', '-W', '0.3', '-I', from, to]).catch(() => undefined);
      return claimsOf(await world.heard(), from);
    };
    assert.deepEqual(await ping(eip4, '10.66.0.77'), []);
    assert.deepEqual(await ping(eip6, 'fd66::77'), []);
    await holdAndArm();
    assert.ok((await ping(eip4, '10.66.0.77')).includes('arp-request by kernel'));
    assert.ok((await ping(eip6, 'fd66::77')).includes('solicitation by kernel'));
  });

  it('says what is managed, held and open to whoever inspects it', async () => {
    await holdAndArm();
    const report = await agent.helper.call('inspect') as {
      tables: { managed: string[]; held: string[]; guarded: string[]; open: { forMs: number }[] }[];
      others: unknown[];
    };
    assert.equal(report.tables.length, 1);
    const [{ managed, held, guarded, open }] = report.tables as [typeof report.tables[0]];
    assert.deepEqual(
      { managed, held, guarded },
      { managed: [eip4, eip6], held: [eip4, eip6], guarded: ['e0'] },
    );
    assert.equal(open.length, 1);
    assert.ok(open[0]!.forMs > 30_000 && open[0]!.forMs <= 60_000);
    assert.deepEqual(report.others, []);
  });
});
