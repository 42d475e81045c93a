# SPDX-License-Identifier: BSD-3-Clause
# A stand-in for nixpkgs over the tools of this machine: flake.nix is evaluated, built and entered
# without a network. It shows that the flake is whole, not that nixpkgs has these names or versions.
{
  description = "The names of nixpkgs that flake.nix uses, over the tools of the machine";

  outputs = { self }:
    let
      # test_flake.py writes host.nix into its copy: { path = "..."; }, where the tools are.
      inherit (import ./host.nix) path;

      lib = {
        genAttrs = names: make:
          builtins.listToAttrs (map (name: { inherit name; value = make name; }) names);
        getExe = package: "${package}/bin/${package.meta.mainProgram}";
        licenses.bsd3.spdxId = "BSD-3-Clause";
        platforms.linux = [ "x86_64-linux" "aarch64-linux" ];
      };

      forSystem = system:
        let
          derive = attributes:
            builtins.derivation
              ({
                inherit system;
                builder = "/bin/bash";
                args = [ "-e" ./builder.sh ];
                stdenv = ./stdenv;
                outputs = [ "out" ];
                PATH = path;
              } // removeAttrs attributes [ "meta" ])
            // { meta = attributes.meta or { }; };

          # A package that is one of the programs of the machine, or empty where it has none.
          host = program: derive {
            name = program;
            script = ''
              mkdir -p $out/bin
              found=$(command -v ${program} || true)
              [ -z "$found" ] || ln -s "$found" $out/bin/
            '';
          };
          hosts = programs: lib.genAttrs programs host;

          python3Packages = hosts [
            "hypothesis" "invoke" "jinja2" "meson-python" "mypy" "numpy" "psutil" "pydantic" "pytest"
            "pytest-xdist" "rich" "scipy" "types-psutil" "uvloop"
          ] // {
            buildPythonApplication = attributes: derive ({
              name = "${attributes.pname}-${attributes.version}";
              script = ''
                cp -r $src source
                chmod -R u+w source
                export HOME=$TMPDIR
                export CFLAGS=-O0 # it is only seen that it builds, and starts
                python -m pip wheel --no-index --no-deps --no-build-isolation -w dist ./source
                python -m pip install --no-index --no-deps --no-compile --prefix $out dist/*.whl
                export PYTHONPATH=$(echo $out/lib/python3*/site-packages)
                for module in $pythonImportsCheck; do
                  python -c "import $module"
                done
                sed -i "1a import sys; sys.path.insert(0, \"$PYTHONPATH\")" $out/bin/*
              '';
            } // attributes);
          };
        in
        hosts [ "clang-tools" "libaio" "liburing" "meson" "ninja" "pkg-config" "ruff" ] // {
          inherit python3Packages;
          python3.withPackages = choose: derive {
            name = "python3-environment";
            packages = choose python3Packages;
            script = ''
              mkdir -p $out/bin
              for program in python python3 invoke pytest mypy; do
                ln -s "$(command -v $program)" $out/bin/
              done
            '';
          };
          bashInteractive = host "bash"; # what `nix develop` runs
          mkShell = attributes: derive ({ name = "shell"; script = "export >$out"; } // attributes);
          runCommandCC = name: environment: script:
            derive ({ inherit name script; } // environment);
        };
    in
    {
      inherit lib;
      legacyPackages = lib.genAttrs lib.platforms.linux forSystem;
    };
}
