{{/* The variables by which the gateway exports (docs/tracing.md); those in gateway.env come later and go before them. */}}
{{- define "fairlead.otlp.env" -}}
{{- with .Values.otlp }}
{{- if .endpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .endpoint | quote }}
- name: OTEL_TRACES_EXPORTER
  value: {{ ternary "otlp" "none" .traces }}
- name: OTEL_METRICS_EXPORTER
  value: {{ ternary "otlp" "none" .metrics }}
- name: OTEL_LOGS_EXPORTER
  value: {{ ternary "otlp" "none" .logs }}
- name: OTEL_TRACES_SAMPLER
  value: parentbased_traceidratio
- name: OTEL_TRACES_SAMPLER_ARG
  value: {{ .samplingRatio | quote }}
{{- with .semanticConventions }}
- name: OTEL_SEMCONV_STABILITY_OPT_IN
  value: {{ . }}
{{- end }}
{{- if .headersSecretRef.name }}
- name: OTEL_EXPORTER_OTLP_HEADERS
  valueFrom:
    secretKeyRef: {name: {{ .headersSecretRef.name }}, key: {{ .headersSecretRef.key }}}
{{- end }}
- name: POD_NAME
  valueFrom:
    fieldRef: {fieldPath: metadata.name}
- name: OTEL_RESOURCE_ATTRIBUTES
  value: k8s.namespace.name={{ $.Release.Namespace }},k8s.pod.name=$(POD_NAME),service.instance.id=$(POD_NAME)
{{- end }}
{{- end }}
{{- end }}
