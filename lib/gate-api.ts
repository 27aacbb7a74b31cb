import { RemovalPolicy } from "aws-cdk-lib";
import { AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import * as apigateway from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import * as logs from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";

// Approvers click a few times a run. More requests come from a scanner, or from a person who guesses keys.
const REQUESTS_A_SECOND = 10;
const BURST = 20;

// The path names the run; the query has the key. Neither is logged, nor anything that repeats them.
const LOGGED = {
  requestId: "$context.requestId",
  at: "$context.requestTime",
  from: "$context.identity.sourceIp",
  agent: "$context.identity.userAgent",
  route: "$context.routeKey",
  status: "$context.status",
  bytes: "$context.responseLength",
  error: "$context.integration.error",
};

/** The API of the gate pages. It exists before its routes, so that functions may know its address. */
export class GateApi extends Construct {
  readonly url: string;
  private readonly api: apigateway.HttpApi;

  constructor(scope: Construct, id: string, props: { retention: logs.RetentionDays }) {
    super(scope, id);
    this.api = new apigateway.HttpApi(this, "Api", {
      description: "Sluice: pages where people decide at gates",
      createDefaultStage: false,
    });
    const destination = new logs.LogGroup(this, "AccessLog", {
      retention: props.retention,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    new apigateway.HttpStage(this, "Stage", {
      httpApi: this.api,
      autoDeploy: true,
      throttle: { rateLimit: REQUESTS_A_SECOND, burstLimit: BURST },
      accessLogSettings: {
        destination: new apigateway.LogGroupLogDestination(destination),
        format: AccessLogFormat.custom(JSON.stringify(LOGGED)),
      },
    });
    this.url = this.api.apiEndpoint;
  }

  /** Adds the routes for gate pages and reports, served by this function. */
  serve(page: IFunction): void {
    const { GET, HEAD, POST } = apigateway.HttpMethod;
    const integration = new HttpLambdaIntegration("Page", page);
    this.api.addRoutes({
      path: "/gates/{run}/{gate}/{attempt}",
      methods: [GET, HEAD, POST],
      integration,
    });
    for (const path of ["/gates/{run}/{gate}/{attempt}/report", "/reports/{run}"])
      this.api.addRoutes({ path, methods: [GET, HEAD], integration });
  }
}
