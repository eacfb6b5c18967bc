import { describe } from 'node:test';
import { keepalivedMissing } from '../netns/keepalived-node.ts';
import { refereeScenes } from '../netns/keepalived-referee-scenes.ts';

describe('the lease as referee of VRRP, with the Kubernetes API as the store', { skip: keepalivedMissing }, () => {
  refereeScenes('kubernetes');
});
