// Kubernetes' affinity in KFP's words: one flat list of terms for nodes and one for pods, where a weight makes a wish of a demand.
import { isRecord, type JsonRecord } from '../json.js';
import type {
  NodeAffinityTermJson as NodeTerm,
  PodAffinityTermJson as PodTerm,
  SelectorRequirementJson as Requirement
} from './gen/kubernetes_executor_config_pb.js';

const demand = 'requiredDuringSchedulingIgnoredDuringExecution';
const wish = 'preferredDuringSchedulingIgnoredDuringExecution';

/** `affinity` has been checked when its settings were read. */
export function toNodeTerms({ nodeAffinity }: JsonRecord): readonly NodeTerm[] {
  if (!isRecord(nodeAffinity)) return [];
  const required = isRecord(nodeAffinity[demand]) ? records(nodeAffinity[demand].nodeSelectorTerms) : [];
  return [
    ...required.map(term => term as NodeTerm),
    ...records(nodeAffinity[wish]).map(({ weight, preference }) => ({
      ...(preference as NodeTerm),
      weight: weight as number
    }))
  ];
}

export function toPodTerms({ podAffinity, podAntiAffinity }: JsonRecord): readonly PodTerm[] {
  return [...termsOf(podAffinity), ...termsOf(podAntiAffinity).map(term => ({ ...term, anti: true }))];
}

function termsOf(rules: unknown): readonly PodTerm[] {
  if (!isRecord(rules)) return [];
  return [
    ...records(rules[demand]).map(toPodTerm),
    ...records(rules[wish]).map(({ weight, podAffinityTerm }) => ({
      ...toPodTerm(podAffinityTerm as JsonRecord),
      weight: weight as number
    }))
  ];
}

function toPodTerm({ labelSelector, topologyKey, namespaces, namespaceSelector }: JsonRecord): PodTerm {
  const pods = toSelector(labelSelector);
  const spaces = toSelector(namespaceSelector);
  return {
    ...(pods.expressions && { matchPodExpressions: pods.expressions }),
    ...(pods.labels && { matchPodLabels: pods.labels }),
    topologyKey: topologyKey as string,
    ...(namespaces === undefined ? {} : { namespaces: [...(namespaces as readonly string[])] }),
    ...(spaces.expressions && { matchNamespaceExpressions: spaces.expressions }),
    ...(spaces.labels && { matchNamespaceLabels: spaces.labels })
  };
}

function toSelector(selector: unknown): { labels?: Record<string, string>; expressions?: Requirement[] } {
  if (!isRecord(selector)) return {};
  const { matchLabels, matchExpressions } = selector;
  return {
    ...(isRecord(matchLabels) ? { labels: { ...matchLabels } as Record<string, string> } : {}),
    ...(Array.isArray(matchExpressions) ? { expressions: matchExpressions as Requirement[] } : {})
  };
}

function records(list: unknown): readonly JsonRecord[] {
  return Array.isArray(list) ? list.filter(isRecord) : [];
}
