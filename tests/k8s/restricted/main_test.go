package main

import (
	"strings"
	"testing"

	"k8s.io/pod-security-admission/api"
)

const good = `
apiVersion: v1
kind: Pod
metadata: {name: good}
spec:
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
    - name: a
      image: a
      securityContext: {allowPrivilegeEscalation: false, capabilities: {drop: [ALL]}}
`

const bad = `
apiVersion: batch/v1
kind: CronJob
metadata: {name: bad}
spec:
  jobTemplate:
    spec:
      template:
        spec: {hostNetwork: true, containers: [{name: a, image: a}]}
`

func judgeText(t *testing.T, text string) (int, int, string) {
	t.Helper()
	var output strings.Builder
	level := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	judged, forbidden, err := judge(strings.NewReader(text), level, &output)
	if err != nil {
		t.Fatal(err)
	}
	return judged, forbidden, output.String()
}

func TestRestrictedPodsPassAndOthersAreNamed(t *testing.T) {
	judged, forbidden, output := judgeText(t, good+"---\n{kind: Service, spec: {}}\n---"+bad)
	if judged != 2 || forbidden != 1 {
		t.Errorf("judged %d, forbidden %d: %s", judged, forbidden, output)
	}
	for _, words := range []string{"Pod/good: restricted", "CronJob/bad: forbidden", "hostNetwork=true"} {
		if !strings.Contains(output, words) {
			t.Errorf("no '%s' in %s", words, output)
		}
	}
}

func TestManifestsWithoutPodsHaveNoneJudged(t *testing.T) {
	if judged, _, _ := judgeText(t, "{kind: Service, spec: {}}"); judged != 0 {
		t.Errorf("judged %d", judged)
	}
}
