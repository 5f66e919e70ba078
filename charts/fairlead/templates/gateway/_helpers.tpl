{{- define "fairlead.gateway.portName" -}}
{{ ternary "https" "http" (not (empty .Values.gateway.tls.secretName)) }}
{{- end }}

{{- define "fairlead.gateway.servicePort" -}}
{{ .Values.gateway.service.port | default (ternary 443 80 (not (empty .Values.gateway.tls.secretName))) }}
{{- end }}
