/** Whether a program is on the path, or where only root has it. */
export function hasProgram(name: string): boolean;
