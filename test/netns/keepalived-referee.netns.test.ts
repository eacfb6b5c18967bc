import { describe } from 'node:test';
import { keepalivedMissing } from './keepalived-node.ts';
import { refereeScenes } from './keepalived-referee-scenes.ts';

describe('the lease as referee of VRRP, with etcd as the store', { skip: keepalivedMissing }, () => {
  refereeScenes('etcd');
});
