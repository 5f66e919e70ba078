{{- /*
What the operator may where it watches. Secrets: it lists and watches those that carry the label fairlead.dev/secret, which no rule can say,
creates generated keys, and updates those that it made to rotate them; it cannot delete any.
*/ -}}
{{- define "fairlead.operator.watchedRules" -}}
- apiGroups: [fairlead.dev]
  resources: [llmproviders, routingrules, virtualkeys, teams, organizations]
  verbs: [list, watch]
- apiGroups: [fairlead.dev]
  resources: [llmproviders/status, routingrules/status, virtualkeys/status, teams/status, organizations/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [list, watch, create, update]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [list, watch]
{{- if .Values.operator.inferencePools }}
- apiGroups: [inference.networking.k8s.io]
  resources: [inferencepools]
  verbs: [list, watch]
- apiGroups: [""]
  resources: [pods]
  verbs: [list, watch]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create, patch]
{{- end }}

{{- define "fairlead.operator.subject" -}}
- kind: ServiceAccount
  name: {{ include "fairlead.fullname" . }}-operator
  namespace: {{ .Release.Namespace }}
{{- end }}
