{{/* Names */}}
{{- define "weir.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "weir.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "weir.clusterId" -}}
{{- default (include "weir.fullname" .) .Values.clusterId -}}
{{- end -}}

{{- define "weir.jobmanager" -}}{{ include "weir.fullname" . }}-jobmanager{{- end -}}
{{- define "weir.taskmanager" -}}{{ include "weir.fullname" . }}-taskmanager{{- end -}}
{{- define "weir.domain" -}}{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}{{- end -}}

{{- define "weir.selector" -}}
app.kubernetes.io/name: {{ include "weir.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "weir.labels" -}}
{{ include "weir.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: weir
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "weir.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ default $.Chart.AppVersion .tag }}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "weir.jobmanagerAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ include "weir.jobmanager" . }}
{{- else -}}
{{ default "default" .Values.serviceAccount.jobmanagerName }}
{{- end -}}
{{- end -}}

{{- define "weir.taskmanagerAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{ include "weir.taskmanager" . }}
{{- else -}}
{{ default "default" .Values.serviceAccount.taskmanagerName }}
{{- end -}}
{{- end -}}

{{- define "weir.tlsSecret" -}}
{{- default (printf "%s-tls" (include "weir.fullname" .)) .Values.tls.existingSecret -}}
{{- end -}}

{{- define "weir.tokenSecret" -}}
{{- default (printf "%s-token" (include "weir.fullname" .)) .Values.token.existingSecret -}}
{{- end -}}

{{- define "weir.storageClaim" -}}
{{- default (printf "%s-storage" (include "weir.fullname" .)) .Values.storage.existingClaim -}}
{{- end -}}

{{/* All that a certificate of the cluster has to be good for, as a YAML list. */}}
{{- define "weir.certificateNames" -}}
{{- range $service := list (include "weir.fullname" .) (include "weir.jobmanager" .) }}
- {{ $service }}
- {{ $service }}.{{ $.Release.Namespace }}
- {{ $service }}.{{ $.Release.Namespace }}.svc
- {{ $service }}.{{ include "weir.domain" $ }}
{{- end }}
- "*.{{ include "weir.jobmanager" . }}.{{ include "weir.domain" . }}"
- localhost
{{- range .Values.tls.extraNames }}
- {{ . | quote }}
{{- end }}
{{- end -}}

{{/* Combinations that cannot work are refused before anything is installed. */}}
{{- define "weir.validate" -}}
{{- if not (or (and .Values.tls.enabled .Values.token.enabled) .Values.insecure) -}}
{{- fail "tls.enabled and token.enabled are needed: whoever reaches a port without them can run programs. Set insecure to true to do without." -}}
{{- end -}}
{{- if and .Values.tls.certManager.enabled (not .Values.tls.certManager.issuerRef.name) -}}
{{- fail "tls.certManager.enabled needs tls.certManager.issuerRef, with the name of an Issuer." -}}
{{- end -}}
{{- if and .Values.tls.certManager.enabled .Values.tls.existingSecret -}}
{{- fail "tls.certManager.enabled makes the Secret that tls.existingSecret says is there already: set one of them." -}}
{{- end -}}
{{- if and .Values.storage.existingClaim .Values.storage.volume -}}
{{- fail "storage.existingClaim and storage.volume both say what the storage is: set one of them." -}}
{{- end -}}
{{- range $key := list "cluster.id" "storage.root" "rpc.address" "rpc.advertised-address" "jobmanager.addresses" "jobmanager.http-address" "taskmanager.http-address" "taskmanager.host" "taskmanager.work-dir" "taskmanager.slots" "security.insecure" "security.token-file" "security.tls.certificate-file" "security.tls.key-file" "security.tls.ca-file" "security.tls.require-client-certificate" -}}
{{- if hasKey $.Values.config $key -}}
{{- fail (printf "config must not have %s: the chart sets it." $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The pod fields that both kinds of servers have: (dict "root" $ "values" .Values.x "component" "x") */}}
{{- define "weir.podFields" -}}
{{- $root := .root -}}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
automountServiceAccountToken: false
# Variables such as WEIR_SERVICE_HOST would be taken for options of Weir, and refused.
enableServiceLinks: false
terminationGracePeriodSeconds: {{ .values.terminationGracePeriodSeconds }}
securityContext:
  {{- include "weir.podSecurity" $root | nindent 2 }}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  {{- if .values.topologySpreadConstraints }}
  {{- toYaml .values.topologySpreadConstraints | nindent 2 }}
  {{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels:
        {{- include "weir.selector" $root | nindent 8 }}
        app.kubernetes.io/component: {{ .component }}
  {{- end }}
{{- with .values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .values.initContainers }}
initContainers:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.podSpec }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "weir.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "weir.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{/* Startup, liveness and readiness at the port named http. */}}
{{- define "weir.probes" -}}
{{- $scheme := ternary "HTTPS" "HTTP" .root.Values.tls.enabled -}}
{{- range $probe, $path := dict "startupProbe" "/startupz" "livenessProbe" "/livez" "readinessProbe" "/readyz" }}
{{ $probe }}:
  httpGet:
    path: {{ $path }}
    port: http
    scheme: {{ $scheme }}
  {{- toYaml (get $.values $probe) | nindent 2 }}
{{- end }}
{{- end -}}

{{/* What every container of Weir mounts: the storage, configuration and credentials, /tmp. */}}
{{- define "weir.mounts" -}}
- name: storage
  mountPath: {{ .Values.storage.mountPath }}
{{ include "weir.clientMounts" . }}
{{- end -}}

{{- define "weir.clientMounts" -}}
- name: config
  mountPath: /etc/weir
  readOnly: true
{{- if .Values.tls.enabled }}
- name: tls
  mountPath: /etc/weir-tls
  readOnly: true
{{- end }}
{{- if .Values.token.enabled }}
- name: token
  mountPath: /etc/weir-token
  readOnly: true
{{- end }}
- name: tmp
  mountPath: /tmp
{{- end -}}

{{- define "weir.volumes" -}}
- name: storage
  {{- if .root.Values.storage.volume }}
  {{- toYaml .root.Values.storage.volume | nindent 2 }}
  {{- else }}
  persistentVolumeClaim:
    claimName: {{ include "weir.storageClaim" .root }}
  {{- end }}
{{ include "weir.clientVolumes" . }}
{{- end -}}

{{- define "weir.clientVolumes" -}}
- name: config
  configMap:
    name: {{ include "weir.fullname" .root }}
{{- if .root.Values.tls.enabled }}
- name: tls
  secret:
    secretName: {{ include "weir.tlsSecret" .root }}
    defaultMode: 0440
    {{- if .clientOnly }}
    items: [{key: ca.crt, path: ca.crt}]
    {{- end }}
{{- end }}
{{- if .root.Values.token.enabled }}
- name: token
  secret:
    secretName: {{ include "weir.tokenSecret" .root }}
    defaultMode: 0440
    items: [{key: token, path: token}]
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: {{ .tmpSizeLimit }}
{{- end -}}

{{/* checksum/config and the annotations by which Prometheus finds the pod. */}}
{{- define "weir.podAnnotations" -}}
checksum/config: {{ include (print .root.Template.BasePath "/configmap.yaml") .root | sha256sum }}
{{- if .root.Values.monitoring.annotations }}
prometheus.io/scrape: "true"
prometheus.io/port: {{ .port | quote }}
prometheus.io/path: /metrics
prometheus.io/scheme: {{ ternary "https" "http" .root.Values.tls.enabled }}
{{- end }}
{{- with .values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}
