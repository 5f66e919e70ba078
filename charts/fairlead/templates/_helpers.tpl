{{- /* What names begin with: 54 characters leave room for "-operator" in a name of 63. */ -}}
{{- define "fairlead.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{ .Values.fullnameOverride }}
{{- else if contains .Chart.Name .Release.Name -}}
{{ .Release.Name | trunc 54 | trimSuffix "-" }}
{{- else -}}
{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 54 | trimSuffix "-" }}
{{- end -}}
{{- end }}

{{- /*
What an installation has outside its own namespace carries that namespace, so that installations never meet. Colons cannot occur in the
parts, so different parts never make the same name.
*/ -}}
{{- define "fairlead.foreignName" -}}
{{ printf "fairlead:%s:%s:%s" .Values.gatewayName .Release.Namespace (include "fairlead.fullname" .) }}
{{- end }}

{{- /* The namespaces with Roles of their own: none where all are watched. */ -}}
{{- define "fairlead.watched" -}}
{{- if .Values.watchNamespaces -}}
{{ append .Values.watchNamespaces .Release.Namespace | uniq | sortAlpha | toJson }}
{{- else -}}
[]
{{- end -}}
{{- end }}

{{- /* Takes a list: the root, the component. */ -}}
{{- define "fairlead.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- /* Takes a list: the root, the component. commonLabels never replace our own, by which things are selected. */ -}}
{{- define "fairlead.labels" -}}
{{- $root := index . 0 -}}
{{- $own := fromYaml (include "fairlead.selectorLabels" .) -}}
{{- $_ := set $own "app.kubernetes.io/version" $root.Chart.AppVersion -}}
{{- $_ := set $own "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- $_ := set $own "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_") -}}
{{ toYaml (merge $own $root.Values.commonLabels) }}
{{- end }}

{{- /* Takes a list: the root, the component. Name, namespace and labels of a Deployment and of what stands beside it. */ -}}
{{- define "fairlead.metadata" -}}
{{- $root := index . 0 -}}
name: {{ include "fairlead.fullname" $root }}-{{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "fairlead.labels" . | nindent 2 }}
{{- end }}

{{- /* Takes a list: the root, the values of the component. */ -}}
{{- define "fairlead.image" -}}
{{- $root := index . 0 -}}
{{- $image := (index . 1).image -}}
{{- with ($root.Values.global).imageRegistry }}{{ . }}/{{ end -}}
{{ $image.repository }}
{{- if $image.digest }}@{{ $image.digest }}{{ else }}:{{ $image.tag | default $root.Chart.AppVersion }}{{ end }}
{{- end }}

{{- /*
Takes a list: the root, the component, its values. Labels and annotations of a pod. No version of the chart among them: a new chart with the
same image and arguments restarts nothing.
*/ -}}
{{- define "fairlead.podMetadata" -}}
{{- $root := index . 0 -}}
{{- $values := index . 2 -}}
labels:
  {{- $own := fromYaml (include "fairlead.selectorLabels" (list $root (index . 1))) }}
  {{- toYaml (merge $own $values.podLabels $root.Values.commonLabels) | nindent 2 }}
{{- with $values.podAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Takes a list: the root, the component, its values. What every pod says: who it is, where it may run. */ -}}
{{- define "fairlead.podSpec" -}}
{{- $root := index . 0 -}}
{{- $values := index . 2 -}}
serviceAccountName: {{ include "fairlead.fullname" $root }}-{{ index . 1 }}
{{- with $values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- with $root.Values.runAsUser }}
  runAsUser: {{ int64 . }}
  runAsGroup: {{ int64 . }}
  fsGroup: {{ int64 . }}
  {{- end }}
  seccompProfile:
    type: RuntimeDefault
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- /* What has one pod has nothing to spread. */}}
{{- if hasKey $values "topologySpreadConstraints" }}
topologySpreadConstraints:
{{- if $values.topologySpreadConstraints }}
{{ toYaml $values.topologySpreadConstraints }}
{{- else }}
{{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
- topologyKey: {{ . }}
  maxSkew: 1
  whenUnsatisfiable: ScheduleAnyway
  labelSelector:
    matchLabels:
      {{- include "fairlead.selectorLabels" (list $root (index $ 1)) | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* Takes a list: the root, the values of the component. Image, security and size of the container. */ -}}
{{- define "fairlead.container" -}}
{{- $values := index . 1 -}}
image: {{ include "fairlead.image" . | quote }}
imagePullPolicy: {{ $values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
resources:
  {{- toYaml $values.resources | nindent 2 }}
{{- end }}

{{- /* The Secrets beside the first over which credentials are spread: CREDENTIAL_PARTS of fairlead-snapshot. */}}
{{- define "fairlead.credentialParts" -}}
{{- range $part := untilStep 1 8 1 }}
- fairlead-{{ $.Values.gatewayName }}-credentials-{{ $part }}
{{- end }}
{{- end }}
