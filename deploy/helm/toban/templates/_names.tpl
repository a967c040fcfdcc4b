{{/* What everything is called: the release's name, with the chart's where that says nothing. */}}
{{- define "toban.name" -}}
{{- if contains "toban" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-toban" .Release.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* By what a pod is found. These never change. */}}
{{- define "toban.selector" -}}
app.kubernetes.io/name: toban
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "toban.labels" -}}
{{ include "toban.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end }}
