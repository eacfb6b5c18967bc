import { describe } from 'node:test';
import { quorumFaultTable } from '../netns/quorum-fault-table.ts';

describe('in quorum mode, with the Kubernetes API as the store', () => {
  quorumFaultTable('kubernetes');
});
