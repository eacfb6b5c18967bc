/** Writes docs/options.md: `node --import tsx src/config/generate-docs.ts`. */
import { writeFileSync } from 'node:fs';
import { renderOptionsDoc } from './options-doc.ts';

writeFileSync(new URL('../../docs/options.md', import.meta.url), renderOptionsDoc());
