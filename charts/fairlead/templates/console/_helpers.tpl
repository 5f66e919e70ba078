{{- define "fairlead.console.portName" -}}
{{ ternary "https" "http" (not (empty .Values.console.tls.secretName)) }}
{{- end }}

{{- define "fairlead.console.servicePort" -}}
{{ .Values.console.service.port | default (ternary 443 80 (not (empty .Values.console.tls.secretName))) }}
{{- end }}

{{- /* Beside the release's namespace's, what the console has carries its own name; no other part can hold a colon. */ -}}
{{- define "fairlead.console.foreignName" -}}
{{ include "fairlead.foreignName" . }}:console
{{- end }}

{{- /* What the console may where it watches: look. Of no Secret does it see anything here. */ -}}
{{- define "fairlead.console.watchedRules" -}}
- apiGroups: [fairlead.dev]
  resources: [llmproviders, routingrules, virtualkeys, teams, organizations]
  verbs: [get, list, watch]
{{- end }}

{{- define "fairlead.console.subject" -}}
- kind: ServiceAccount
  name: {{ include "fairlead.fullname" . }}-console
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- /* Where callers reach the gateway, as far as this chart knows. */ -}}
{{- define "fairlead.console.callersAt" -}}
{{- $ingress := .Values.gateway.ingress -}}
{{- if $ingress.enabled -}}
{{ ternary "https" "http" (not (empty $ingress.tls)) }}://{{ first $ingress.hosts }}
{{- else -}}
{{- $https := not (empty .Values.gateway.tls.secretName) -}}
{{- $port := include "fairlead.gateway.servicePort" . -}}
{{ ternary "https" "http" $https }}://{{ include "fairlead.fullname" . }}-gateway.{{ .Release.Namespace }}.svc{{ if ne $port (ternary "443" "80" $https) }}:{{ $port }}{{ end }}
{{- end -}}
{{- end }}
