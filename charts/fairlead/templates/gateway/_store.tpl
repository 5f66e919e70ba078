{{- /* Where the chart's own Valkey is reached. */ -}}
{{- define "fairlead.store.valkeyHost" -}}
{{- $fixed := .Values.limits.store.valkey.service.clusterIP -}}
{{- if contains ":" $fixed -}}
[{{ $fixed }}]
{{- else -}}
{{ $fixed | default (printf "%s-valkey.%s.svc" (include "fairlead.fullname" .) .Release.Namespace) }}
{{- end -}}
{{- end }}

{{- /* What cannot work, in a sentence that says what to do instead. */ -}}
{{- define "fairlead.store.check" -}}
{{- $store := .Values.limits.store -}}
{{- $gateway := .Values.gateway -}}
{{- $most := ternary $gateway.hpa.maxReplicas $gateway.replicas $gateway.hpa.enabled | int -}}
{{- if and (eq $store.type "Embedded") (gt $most 1) -}}
{{- fail (printf "limits.store.type is Embedded, and %s is %d: each gateway would count for itself, so that every limit held on each of them and not on all together. Set limits.store.type to Valkey or External, or run one gateway." (ternary "gateway.hpa.maxReplicas" "gateway.replicas" $gateway.hpa.enabled) $most) -}}
{{- end -}}
{{- $external := $store.external -}}
{{- $tls := or $external.tls.caSecretRef.name $external.tls.clientCertificateSecretName -}}
{{- if and (eq $store.type "External") $tls (not (regexMatch "^(valkey|redis)s" $external.url)) -}}
{{- fail (printf "limits.store.external.tls is set, and limits.store.external.url (%s) is not for TLS. Begin it with valkeys, or take tls out." $external.url) -}}
{{- end -}}
{{- end }}

{{- /* The gateway's arguments that say what it counts on. */ -}}
{{- define "fairlead.store.arguments" -}}
{{- include "fairlead.store.check" . -}}
{{- $store := .Values.limits.store -}}
- --store-journal=/var/lib/fairlead/counters.journal
{{- if eq $store.type "Valkey" }}
- --store=valkey://{{ include "fairlead.store.valkeyHost" . }}:6379
- --store-username=fairlead
- --store-password-file=/etc/fairlead/store/password
{{- else if eq $store.type "External" }}
{{- with $store.external }}
- {{ printf "--store=%s" .url | quote }}
{{- with .username }}
- {{ printf "--store-username=%s" . | quote }}
{{- end }}
{{- if .passwordSecretRef.name }}
- --store-password-file=/etc/fairlead/store/password
{{- end }}
{{- if .sentinelPasswordSecretRef.name }}
- --store-sentinel-password-file=/etc/fairlead/store/sentinel-password
{{- end }}
{{- if .tls.caSecretRef.name }}
- --store-ca=/etc/fairlead/store/ca.crt
{{- end }}
{{- if .tls.clientCertificateSecretName }}
- --store-cert=/etc/fairlead/store/tls.crt
- --store-key=/etc/fairlead/store/tls.key
{{- end }}
{{- with .prefix }}
- {{ printf "--store-prefix=%s" . | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Takes a list: a Secret, its key, the file. One source of the volume that has them all. */ -}}
{{- define "fairlead.store.source" -}}
{{- dict "secret" (dict "name" (index . 0) "items" (list (dict "key" (index . 1) "path" (index . 2)))) | toJson -}}
{{- end }}

{{- /* The sources of the volume with the secrets of the store; none: it has no secrets. */ -}}
{{- define "fairlead.store.secrets" -}}
{{- $store := .Values.limits.store -}}
{{- $sources := list -}}
{{- if eq $store.type "Valkey" -}}
{{- $sources = append $sources (include "fairlead.store.source" (list (printf "fairlead-%s-store" .Values.gatewayName) "password" "password") | fromJson) -}}
{{- else if eq $store.type "External" -}}
{{- $external := $store.external -}}
{{- range $path, $from := dict "password" $external.passwordSecretRef "sentinel-password" $external.sentinelPasswordSecretRef "ca.crt" $external.tls.caSecretRef -}}
{{- if $from.name -}}
{{- $sources = append $sources (include "fairlead.store.source" (list $from.name $from.key $path) | fromJson) -}}
{{- end -}}
{{- end -}}
{{- with $external.tls.clientCertificateSecretName -}}
{{- range list "tls.crt" "tls.key" -}}
{{- $sources = append $sources (include "fairlead.store.source" (list $external.tls.clientCertificateSecretName . .) | fromJson) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{ toJson $sources }}
{{- end }}
