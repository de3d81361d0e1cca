//go:build tools

// kaniko, which builds images in pods, in a module of its own: what it needs goes with no other program's.
package tools

import _ "github.com/GoogleContainerTools/kaniko/cmd/executor"
