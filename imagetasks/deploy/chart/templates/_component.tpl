{{- /* The labels that a component's pods are selected by. A selector can never change, so the user's are not among them. */}}
{{- define "component.selector" -}}
app.kubernetes.io/name: devspace-app
app.kubernetes.io/component: {{ .Release.Name | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
{{- end }}

{{- /* Labels and annotations of an object. Takes `root`, and the user's `labels` and `annotations`. */}}
{{- define "component.metadata" -}}
labels:
  {{- merge (include "component.selector" .root | fromYaml) (.labels | default dict) | toYaml | nindent 2 }}
{{- with .annotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* A JSON object whose keys are the persistent volumes that are mounted; true if each pod has one of its own. */}}
{{- define "component.claims" -}}
{{- $mounted := dict }}
{{- range concat (.Values.containers | default list) (.Values.initContainers | default list) }}
{{- range .volumeMounts }}
{{- $own := not (or .volume.readOnly .volume.shared) }}
{{- $_ := set $mounted .volume.name (or $own (get $mounted .volume.name | default false)) }}
{{- end }}
{{- end }}
{{- $claims := dict }}
{{- range .Values.volumes }}
{{- if and (hasKey $mounted .name) (not (or .configMap .secret (hasKey . "emptyDir"))) }}
{{- $_ := set $claims .name (get $mounted .name) }}
{{- end }}
{{- end }}
{{- toJson $claims }}
{{- end }}

{{- define "component.kind" -}}
{{- if has true (values (include "component.claims" . | fromJson)) }}StatefulSet{{ else }}Deployment{{ end }}
{{- end }}

{{- define "component.serviceName" -}}
{{- .Values.service.name | default .Release.Name }}
{{- end }}

{{- define "component.headlessName" -}}
{{- .Values.serviceName | default (printf "%s-headless" .Release.Name) }}
{{- end }}

{{- /* Not empty if the number of replicas follows the load. */}}
{{- define "component.scales" -}}
{{- with .Values.autoScaling.horizontal }}
{{- if gt (int .maxReplicas) (int $.Values.replicas) }}true{{ end }}
{{- end }}
{{- end }}

{{- /* Takes `containers`, and the `prefix` of the names of those that have none. */}}
{{- define "component.containers" -}}
{{- $prefix := .prefix }}
{{- range $index, $container := .containers }}
- name: {{ $container.name | default (printf "%s-%d" $prefix $index) | quote }}
  {{- omit $container "name" "resources" "volumeMounts" | toYaml | nindent 2 }}
  {{- with $container.resources }}
  resources:
    {{- include "component.resources" . | nindent 4 }}
  {{- end }}
  {{- with $container.volumeMounts }}
  volumeMounts:
    {{- range . }}
    - name: {{ .volume.name | quote }}
      mountPath: {{ .containerPath | quote }}
      readOnly: {{ .volume.readOnly | default false }}
      {{- with .volume.subPath | default .volume.path }}
      subPath: {{ trimAll "/" . | quote }}
      {{- end }}
    {{- end }}
  {{- end }}
{{- end }}
{{- end }}

{{- /* Kubernetes takes a limit for a request where there is none, which would reserve all of it. */}}
{{- define "component.resources" -}}
{{- $limits := dict }}
{{- $requests := dict }}
{{- range $name, $amount := .limits }}
{{- $_ := set $limits ($name | replace "ephemeralStorage" "ephemeral-storage") $amount }}
{{- $_ := set $requests ($name | replace "ephemeralStorage" "ephemeral-storage") "0" }}
{{- end }}
{{- range $name, $amount := .requests }}
{{- $_ := set $requests ($name | replace "ephemeralStorage" "ephemeral-storage") $amount }}
{{- end }}
{{- dict "limits" $limits "requests" $requests | toYaml }}
{{- end }}

{{- define "component.claimSpec" -}}
accessModes:
  {{- .accessModes | default (list "ReadWriteOnce") | toYaml | nindent 2 }}
resources:
  requests:
    storage: {{ .size | quote }}
{{- with pick . "storageClassName" "volumeMode" "volumeName" "dataSource" }}
{{ toYaml . }}
{{- end }}
{{- end }}
