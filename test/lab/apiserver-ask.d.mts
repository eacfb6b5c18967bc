export interface AskedFor {
  readonly url: string;
  readonly method: string;
  /** In PEM. */
  readonly ca: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Empty: no body. */
  readonly text: string;
}
export function askServer(request: AskedFor): Promise<{ status: number; text: string }>;
