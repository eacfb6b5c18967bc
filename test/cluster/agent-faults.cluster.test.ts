import { describe } from 'node:test';
import { faultTable } from '../netns/agent-fault-table.ts';

describe('with the Kubernetes API as the store', () => { faultTable('kubernetes'); });
