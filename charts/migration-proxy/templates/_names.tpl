{{- /* The prefix of everything: the value, else the release's name. */ -}}
{{- define "migration-proxy.instance" -}}
{{- $name := default .Release.Name .Values.instance -}}
{{- if gt (len $name) 40 -}}
{{- fail (printf "instance: %q has more than 40 characters; set a shorter one, such as --set instance=migration-proxy" $name) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{- define "migration-proxy.selectorLabels" -}}
app: migration-proxy
app.kubernetes.io/instance: {{ include "migration-proxy.instance" . }}
{{- end -}}

{{- define "migration-proxy.labels" -}}
app: migration-proxy
app.kubernetes.io/name: migration-proxy
app.kubernetes.io/instance: {{ include "migration-proxy.instance" . }}
app.kubernetes.io/part-of: migration-proxy
app.kubernetes.io/version: {{ .Chart.AppVersion }}
{{- end -}}

{{- define "migration-proxy.metadata" -}}
name: {{ include "migration-proxy.instance" . }}
namespace: {{ .Release.Namespace }}
labels:
  {{- include "migration-proxy.labels" . | nindent 2 }}
{{- end -}}

{{- define "migration-proxy.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{ .Values.image.repository }}:{{ $tag }}{{ if eq .Values.dataPlane "nginx" }}-nginx{{ end }}
{{- end -}}

{{- /* Where a single ConfigMap lives, and with it our own objects. */ -}}
{{- define "migration-proxy.homeNamespace" -}}
{{- if eq .Values.source.kind "configmap" -}}
{{- default .Release.Namespace .Values.source.configmap.namespace -}}
{{- else -}}
{{- .Release.Namespace -}}
{{- end -}}
{{- end -}}

{{- define "migration-proxy.subject" -}}
- kind: ServiceAccount
  name: {{ include "migration-proxy.instance" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{- define "migration-proxy.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
