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

{{- define "weir.ownLabels" -}}
{{ include "weir.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: weir
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "weir.labels" -}}
{{ include "weir.ownLabels" . }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* The labels of an object with labels of its own, which win over commonLabels:
(dict "root" $ "more" .Values.x.podLabels) */}}
{{- define "weir.labelsWith" -}}
{{ include "weir.ownLabels" .root }}
{{- with merge (deepCopy (default dict .more)) .root.Values.commonLabels }}
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

{{/* All that a certificate of the cluster has to be good for: {names: [...], addresses: [...]}. */}}
{{- define "weir.certificateSubjects" -}}
{{- $names := list -}}
{{- $addresses := list "127.0.0.1" -}}
{{- range $service := list (include "weir.fullname" .) (include "weir.jobmanager" .) -}}
{{- $names = concat $names (list $service (printf "%s.%s" $service $.Release.Namespace) (printf "%s.%s.svc" $service $.Release.Namespace) (printf "%s.%s" $service (include "weir.domain" $))) -}}
{{- end -}}
{{- $names = concat $names (list (printf "*.%s.%s" (include "weir.jobmanager" .) (include "weir.domain" .)) "localhost") -}}
{{- range .Values.tls.extraNames -}}
{{- if or (contains ":" .) (regexMatch "^[0-9]+([.][0-9]+){3}$" .) -}}
{{- $addresses = append $addresses . -}}
{{- else -}}
{{- $names = append $names . -}}
{{- end -}}
{{- end -}}
{{ toYaml (dict "names" (uniq $names) "addresses" (uniq $addresses)) }}
{{- end -}}

{{/* The field of a claim: "" leaves it to the default class, "-" asks for a volume without a class. */}}
{{- define "weir.storageClass" -}}
{{- if eq . "-" -}}
storageClassName: ""
{{- else if . -}}
storageClassName: {{ . | quote }}
{{- end -}}
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
{{- range $name := list (include "weir.fullname" .) (include "weir.name" .) -}}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name) -}}
{{- fail (printf "'%s' cannot be the name of a Service: letters, digits and '-', a letter first. Set fullnameOverride or nameOverride." $name) -}}
{{- end -}}
{{- end -}}
{{- include "weir.validateLabels" . -}}
{{- range $component := list "jobmanager" "taskmanager" -}}
{{- $made := dict "serviceAccountName" "serviceAccount" "containers" (printf "%s.sidecars" $component) -}}
{{- range $key := list "terminationGracePeriodSeconds" "topologySpreadConstraints" -}}
{{- $_ := set $made $key (printf "%s.%s" $component $key) -}}
{{- end -}}
{{- include "weir.validatePods" (dict "values" (get $.Values $component) "component" $component "made" $made "set" list "annotations" (list "checksum/config")) -}}
{{- end -}}
{{- include "weir.validatePods" (dict "values" .Values.clientPods "component" "clientPods" "made" dict "set" (list "containers" "restartPolicy") "annotations" (list "helm.sh/hook" "helm.sh/hook-delete-policy")) -}}
{{- end -}}

{{/* What would be there twice, of which a reader of YAML silently takes one. "made": field of a pod ->
the value that the chart makes it of, "set": fields that it sets itself, of these pods besides those of
all; "annotations": those that it sets. */}}
{{- define "weir.validatePods" -}}
{{- $podSpec := default dict .values.podSpec -}}
{{- $made := merge (dict "securityContext" "podSecurityContext" "imagePullSecrets" "imagePullSecrets" "volumes" (printf "%s.extraVolumes" .component)) .made -}}
{{- range $key := list "nodeSelector" "tolerations" "affinity" "priorityClassName" "initContainers" -}}
{{- $_ := set $made $key (printf "%s.%s" $.component $key) -}}
{{- end -}}
{{- range $key, $value := $made -}}
{{- if hasKey $podSpec $key -}}
{{- fail (printf "%s.podSpec must not have %s: the chart makes it of %s." $.component $key $value) -}}
{{- end -}}
{{- end -}}
{{- range $key := concat (list "automountServiceAccountToken" "enableServiceLinks") .set -}}
{{- if hasKey $podSpec $key -}}
{{- fail (printf "%s.podSpec must not have %s: the chart sets it." $.component $key) -}}
{{- end -}}
{{- end -}}
{{- range $key := .annotations -}}
{{- if hasKey (default dict $.values.podAnnotations) $key -}}
{{- fail (printf "%s.podAnnotations must not have %s: the chart sets it." $.component $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "weir.validateLabels" -}}
{{- $own := append (keys (include "weir.ownLabels" . | fromYaml)) "app.kubernetes.io/component" | sortAlpha -}}
{{- range $name, $labels := dict "commonLabels" .Values.commonLabels "jobmanager.podLabels" .Values.jobmanager.podLabels "taskmanager.podLabels" .Values.taskmanager.podLabels "clientPods.podLabels" .Values.clientPods.podLabels "monitoring.podMonitorLabels" .Values.monitoring.podMonitorLabels -}}
{{- range $key := $own -}}
{{- if hasKey (default dict $labels) $key -}}
{{- fail (printf "%s must not have %s: the chart sets it." $name $key) -}}
{{- end -}}
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
  {{- toYaml $root.Values.podSecurityContext | nindent 2 }}
{{- $tolerations := .values.tolerations }}
{{- if not (kindIs "invalid" .values.nodeLostSeconds) }}
{{- $seconds := int .values.nodeLostSeconds }}
{{- $given := list }}
{{- range .values.tolerations }}{{ $given = append $given .key }}{{ end }}
{{- range $key := list "node.kubernetes.io/not-ready" "node.kubernetes.io/unreachable" }}
{{- if not (has $key $given) }}
{{- $tolerations = append $tolerations (dict "key" $key "operator" "Exists" "effect" "NoExecute" "tolerationSeconds" $seconds) }}
{{- end }}
{{- end }}
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
{{- include "weir.givenPodFields" (dict "values" .values "tolerations" $tolerations) }}
{{- end -}}

{{/* The fields of any pod that are taken as they are given: where it may run, what runs before it, and
podSpec. Begins a new line where there is one. (dict "values" .Values.x "tolerations" list) */}}
{{- define "weir.givenPodFields" -}}
{{- with .values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
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

{{/* The metadata of a pod that is a client, besides its name: (dict "root" $ "component" "x"
"annotations" dict) */}}
{{- define "weir.clientPodMetadata" -}}
labels:
  {{- include "weir.labelsWith" (dict "root" .root "more" .root.Values.clientPods.podLabels) | nindent 2 }}
  app.kubernetes.io/component: {{ .component }}
{{- with merge (deepCopy (default dict .root.Values.clientPods.podAnnotations)) .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* The fields of a pod that is a client and ends by itself. Its certificate, and the key of it, are
there only where a client has to present them. */}}
{{- define "weir.clientPodFields" -}}
restartPolicy: Never
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
volumes:
  {{- include "weir.clientVolumes" (dict "root" . "clientOnly" (not .Values.tls.requireClientCertificate) "tmpSizeLimit" "64Mi") | nindent 2 }}
  {{- with .Values.clientPods.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- include "weir.givenPodFields" (dict "values" .Values.clientPods "tolerations" .Values.clientPods.tolerations) }}
{{- end -}}

{{- define "weir.clientContainerFields" -}}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - {name: WEIR_CONFIG, value: /etc/weir/client.yaml}
  {{- with .Values.clientPods.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.clientPods.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.containerSecurityContext | nindent 2 }}
volumeMounts:
  {{- include "weir.clientMounts" . | nindent 2 }}
  {{- with .Values.clientPods.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end -}}

{{/* checksum/config and the annotations by which Prometheus finds the pod, unless podAnnotations have
them. */}}
{{- define "weir.podAnnotations" -}}
{{- $made := dict "checksum/config" (include (print .root.Template.BasePath "/configmap.yaml") .root | sha256sum) -}}
{{- if .root.Values.monitoring.annotations -}}
{{- $scheme := ternary "https" "http" .root.Values.tls.enabled -}}
{{- $made = merge $made (dict "prometheus.io/scrape" "true" "prometheus.io/port" (toString .port) "prometheus.io/path" "/metrics" "prometheus.io/scheme" $scheme) -}}
{{- end -}}
{{ toYaml (merge (deepCopy (default dict .values.podAnnotations)) $made) }}
{{- end -}}

{{/* The fields of a StatefulSet about how its pods are made anew. */}}
{{- define "weir.rollout" -}}
podManagementPolicy: Parallel
{{- with .updateStrategy }}
updateStrategy:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .minReadySeconds }}
minReadySeconds: {{ . }}
{{- end }}
{{- end -}}
