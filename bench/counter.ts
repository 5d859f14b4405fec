/** The counting gRPC proxy as a process of its own, so that its work is not in anybody's figures. */
import { grpcProxy, type GrpcProxy } from './grpc-proxy.js';
import { answerQuestions } from './helper.js';

export type CounterQuestions = typeof questions;

let proxy: GrpcProxy;

const questions = {
  async listen(target: string) {
    proxy = await grpcProxy(target);
    return proxy.address;
  },
  reset() {
    proxy.calls.clear();
    proxy.peak.clear();
  },
  counts: () => ({ calls: Object.fromEntries(proxy.calls), peak: Object.fromEntries(proxy.peak) }),
};
answerQuestions(questions);
