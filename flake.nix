# SPDX-License-Identifier: BSD-3-Clause
# `nix develop -c invoke run experiments/gil.toml` is what ./dev does, for people with Nix.
{
  description = "Measure how servers do their I/O, and check what is said about it";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-unstable";

  outputs = { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;
      forEachSystem = make: lib.genAttrs [ "x86_64-linux" "aarch64-linux" ]
        (system: make nixpkgs.legacyPackages.${system} self.packages.${system});

      running = python: with python; [ invoke jinja2 numpy psutil pydantic rich scipy ];
      testing = python: with python; [ hypothesis mypy pytest pytest-xdist types-psutil uvloop ];
      python = pkgs: pkgs.python3.withPackages (python: running python ++ testing python);
      # What the C programs are built with, besides the compiler of the standard environment.
      building = pkgs: [ pkgs.meson pkgs.ninja pkgs.pkg-config ];
      libraries = pkgs: [ pkgs.libaio pkgs.liburing ];
    in
    {
      packages = forEachSystem (pkgs: _: {
        default = pkgs.python3Packages.buildPythonApplication {
          pname = "fibench";
          version = "0.1.0";
          pyproject = true;
          src = self;
          build-system = [ pkgs.python3Packages.meson-python ];
          # Not `building`: the hooks of pkgs.meson and pkgs.ninja would build instead of it.
          nativeBuildInputs = [ pkgs.pkg-config ];
          buildInputs = libraries pkgs;
          # nixpkgs has these libraries without their static forms, and the store has them forever.
          pypaBuildFlags = [ "-Csetup-args=-Dlinkage=shared" ];
          dependencies = running pkgs.python3Packages;
          pythonImportsCheck = [ "fibench.tasks" ];
          meta = {
            description = "Measure how servers do their I/O, and check what is said about it";
            license = lib.licenses.bsd3;
            mainProgram = "fibench";
            platforms = lib.platforms.linux;
          };
        };
      });

      apps = forEachSystem (_: packages: {
        default = {
          type = "app";
          program = lib.getExe packages.default;
        };
      });

      devShells = forEachSystem (pkgs: _: {
        default = pkgs.mkShell {
          packages = [ (python pkgs) pkgs.clang-tools pkgs.ruff ] ++ building pkgs;
          buildInputs = libraries pkgs;
        };
      });

      checks = forEachSystem (pkgs: packages: {
        package = packages.default;
        tests = pkgs.runCommandCC "fibench-tests"
          {
            nativeBuildInputs = [ (python pkgs) ] ++ building pkgs;
            buildInputs = libraries pkgs;
          } ''
          cp -r ${self} source
          chmod -R u+w source
          cd source
          patchShebangs .
          invoke build
          meson test -C build --no-rebuild
          # test_commands runs whole experiments, which takes longer and a git checkout.
          pytest -p no:cacheprovider --ignore tests/runner/commands/test_commands.py tests/runner
          touch $out
        '';
      });
    };
}
