import { NotAsked } from "../lambdas/shared/errors.ts";
import type { Http, HttpAnswer } from "../lambdas/shared/ports.ts";

/**
 * HTTP of a rehearsal: it reaches only the stand-in for the application. A plan's hooks may name real addresses, and a
 * rehearsal must stop, start or test nothing real.
 */
export class StandInHttp implements Http {
  /** @param standIn address of the stand-in, if there is one */
  constructor(
    private readonly http: Http,
    private readonly standIn: string | undefined,
  ) {}

  /** @throws NotAsked for any other address */
  async request(...request: Parameters<Http["request"]>): Promise<HttpAnswer> {
    const [, url] = request;
    if (this.standIn === undefined || new URL(url).origin !== new URL(this.standIn).origin)
      throw new NotAsked("not asked: a rehearsal calls no real application");
    return await this.http.request(...request);
  }
}
