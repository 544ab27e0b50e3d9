"""The peer: the report's notebook, written anew for Keras 3, or for Keras 2, on TensorFlow.

Run by train_speed.py in a process of its own: IMAGES.npz EPOCHS SEED KERAS, the last 2 or 3; prints
one JSON object. Kept from the notebook: network, loss, RMSprop, annealer, ImageDataGenerator, batch
size. Left out: its steps_per_epoch, under which Keras 3 starves every second epoch. Keras 3 adds
RMSprop's epsilon inside the root; Keras 2 (the package tf_keras), as in the report's time, outside.
"""

import json
import os
import sys
import time

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf

if sys.argv[4:] == ["2"]:
    import tf_keras as keras
    from tf_keras.optimizers.legacy import RMSprop
    from tf_keras.preprocessing.image import ImageDataGenerator
else:
    import keras
    from keras.optimizers import RMSprop
    from keras.src.legacy.preprocessing.image import ImageDataGenerator


def build():
    Conv2D, MaxPool2D = keras.layers.Conv2D, keras.layers.MaxPool2D
    Dense, Dropout, Flatten = keras.layers.Dense, keras.layers.Dropout, keras.layers.Flatten
    return keras.Sequential(
        [
            keras.layers.InputLayer((28, 28, 1)),
            Conv2D(32, (3, 3), padding="same", activation="relu"),
            MaxPool2D(),
            Dropout(0.25),
            Conv2D(64, (3, 3), padding="same", activation="relu"),
            MaxPool2D(),
            Dropout(0.25),
            Flatten(),
            Dense(512, activation="relu"),
            Dropout(0.5),
            Dense(10, activation="softmax"),
        ]
    )


class Clock(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seconds = []

    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        self.seconds.append(time.perf_counter() - self.start)


def main():
    path, epochs, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    keras.utils.set_random_seed(seed)
    data = np.load(path)
    x, x_val = (data[k].astype("float32")[..., None] / 255.0 for k in ("x_train", "x_val"))
    y, y_val = (keras.utils.to_categorical(data[k], 10) for k in ("y_train", "y_val"))
    model = build()
    model.compile(
        optimizer=RMSprop(learning_rate=0.001, rho=0.9, epsilon=1e-08),
        loss="categorical_crossentropy",
        metrics=["accuracy"],
    )
    generator = ImageDataGenerator(
        rotation_range=15, zoom_range=0.15, width_shift_range=0.15, height_shift_range=0.15
    )
    generator.fit(x)
    annealer = keras.callbacks.ReduceLROnPlateau(
        monitor="val_accuracy", patience=3, factor=0.5, min_lr=0.00001
    )
    clock = Clock()
    history = model.fit(
        generator.flow(x, y, batch_size=128),
        epochs=epochs,
        validation_data=(x_val, y_val),
        callbacks=[annealer, clock],
        verbose=0,
    )
    print(
        json.dumps(
            {
                "versions": {"keras": keras.__version__, "tensorflow": tf.__version__},
                "epoch_seconds": clock.seconds,
                "val_accuracy": [float(a) for a in history.history["val_accuracy"]],
            }
        )
    )


if __name__ == "__main__":
    main()
