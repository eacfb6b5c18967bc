/** The production core, as the simulator uses it; mutants (mutants.ts) have the same face. */
import { nextWake, initialState } from '../../src/core/state.ts';
import { step } from '../../src/core/step.ts';

export interface CoreModule {
  readonly initialState: typeof initialState;
  readonly nextWake: typeof nextWake;
  readonly step: typeof step;
}

export const productionCore: CoreModule = { initialState, nextWake, step };
