// restricted reads manifests from standard input and judges every pod in them, and every template of
// pods, by the Pod Security Standard "restricted", as the admission controller of Kubernetes does.
//
//	restricted [v1.35 | latest] <manifests.yaml
//
// A line for each: "Kind/name: restricted", or what is forbidden and why. Exit code 1 when something
// is forbidden, or when there was no pod to judge.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
	syaml "sigs.k8s.io/yaml"
)

// What kinds with pods in them have in common.
type manifest struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Template    *corev1.PodTemplateSpec `json:"template"`
		JobTemplate *struct {
			Spec struct {
				Template corev1.PodTemplateSpec `json:"template"`
			} `json:"spec"`
		} `json:"jobTemplate"`
	} `json:"spec"`
}

// The pod of a document: its metadata and its spec; nil, nil when it has none.
func podOf(document []byte, object *manifest) (*metav1.ObjectMeta, *corev1.PodSpec, error) {
	if err := syaml.Unmarshal(document, object); err != nil {
		return nil, nil, err
	}
	if object.Kind == "Pod" {
		var pod corev1.Pod
		if err := syaml.UnmarshalStrict(document, &pod); err != nil {
			return nil, nil, err
		}
		return &pod.ObjectMeta, &pod.Spec, nil
	}
	if template := object.Spec.Template; template != nil {
		return &template.ObjectMeta, &template.Spec, nil
	}
	if job := object.Spec.JobTemplate; job != nil {
		return &job.Spec.Template.ObjectMeta, &job.Spec.Template.Spec, nil
	}
	return nil, nil, nil
}

func judge(input io.Reader, level api.LevelVersion, output io.Writer) (judged, forbidden int, err error) {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks(), nil)
	if err != nil {
		return 0, 0, err
	}
	documents := yaml.NewYAMLReader(bufio.NewReader(input))
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return judged, forbidden, nil
		}
		if err != nil {
			return judged, forbidden, err
		}
		var object manifest
		metadata, spec, err := podOf(document, &object)
		if err != nil {
			return judged, forbidden, err
		}
		if spec == nil {
			continue
		}
		judged++
		result := policy.AggregateCheckResults(evaluator.EvaluatePod(level, metadata, spec))
		if result.Allowed {
			fmt.Fprintf(output, "%s/%s: %s\n", object.Kind, object.Name, level.Level)
			continue
		}
		forbidden++
		fmt.Fprintf(output, "%s/%s: forbidden: %s\n", object.Kind, object.Name, result.ForbiddenDetail())
	}
}

func main() {
	version := api.LatestVersion()
	if len(os.Args) > 1 {
		var err error
		if version, err = api.ParseVersion(os.Args[1]); err != nil {
			fmt.Fprintf(os.Stderr, "restricted: %v\n", err)
			os.Exit(2)
		}
	}
	level := api.LevelVersion{Level: api.LevelRestricted, Version: version}
	judged, forbidden, err := judge(os.Stdin, level, os.Stdout)
	if err != nil {
		fmt.Fprintf(os.Stderr, "restricted: %v\n", err)
		os.Exit(2)
	}
	if judged == 0 {
		fmt.Fprintln(os.Stderr, "restricted: there was no pod to judge")
	}
	if judged == 0 || forbidden > 0 {
		os.Exit(1)
	}
}
