/** Writes KEYWORDS.md: `node --import tsx src/keepalived/config/generate-docs.ts`. */
import { writeFileSync } from 'node:fs';
import { keywordsDoc } from './keywords-doc.ts';

writeFileSync(new URL('KEYWORDS.md', import.meta.url), keywordsDoc());
